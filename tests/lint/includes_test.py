#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The include law: which folder may include which, read from the #include lines. The tables are the law."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import lint

FOLDERS = ('shared', 'switchd', 'vosctl', 'man')

# folder -> prefixes of what it may include of ours, besides itself. The longest entry that fits counts.
MAY_INCLUDE = {
    'shared/base/': (),
    'shared/catalog/': ('shared/base/',),
    'shared/grammar/': ('shared/base/', 'shared/catalog/'),
    'shared/config/': ('shared/base/', 'shared/catalog/', 'shared/grammar/'),
    'shared/control/': ('shared/base/',),
    'switchd/': ('shared/', 'switchd/'),
    'vosctl/': ('shared/', 'vosctl/'),
    'man/': ('shared/', 'switchd/ctl/schema.h'),
}

# Of ours, what a folder must not include although MAY_INCLUDE lets it: (folder, forbidden, except file).
MUST_NOT_INCLUDE = (
    ('switchd/', 'switchd/ctl/', ('switchd/main.c', 'switchd/switchd.', 'switchd/ctl/')),
    ('switchd/store/', 'switchd/call/', ()),
    ('switchd/store/', 'switchd/media/', ()),
    ('switchd/conf/', 'switchd/sip/', ()),
)

# Foreign headers, and the only places that may include them.
FOREIGN = (
    (r'sofia-sip/', ('switchd/sip/sofia.c',)),
    (r'lmdb\.h$', ('switchd/store/',)),
    (r'nftables/', ('switchd/auth/firewall.c',)),
    (r'openssl/', ('switchd/sip/tls.c', 'switchd/media/scramble.c')),
    (r'srtp2/', ('switchd/media/srtp.c',)),
    (r'microhttpd\.h$', ('switchd/stats/http.c',)),
    (r'curl/', ('switchd/http/client.c',)),
    (r'bpf/', ('switchd/media/fast.bpf.c', 'switchd/media/fast_load.c', 'switchd/media/fast_attach.c',
              'switchd/media/steer.bpf.c', 'switchd/media/steer.c')),
    (r'(histedit|editline/.*|readline/.*)(\.h)?$', ('vosctl/shell/edit.c',)),
    (r'jansson\.h$', ('shared/control/', 'switchd/ctl/', 'vosctl/')),
)

# Libraries that the parts common to both programs may use.
SHARED_LIBRARIES = (r'sodium\.h$', r'jansson\.h$', r'ut(hash|list|array|string)\.h$')
LIBC = re.compile(r'^(sys|arpa|net|netinet|linux)/|^[a-z0-9_]+\.h$')
FOREIGN_LIBRARY = re.compile(r'^(sodium|jansson|microhttpd|lmdb|md5|sha2|histedit|uthash|utlist|utarray|utstring)\.h$|^(sofia-sip|openssl|nftables|srtp2|curl|bpf)/')

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]')


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def own_fault(root, name, target):
    """Why the file may not include one of our headers; None when it may."""
    if not (root / target).is_file():
        return 'is no path from the source root'
    home = max((folder for folder in MAY_INCLUDE if name.startswith(folder)), key=len, default=None)
    if home is None:
        return 'is included by a folder the table does not know'
    if not target.startswith((home,) + MAY_INCLUDE[home]):
        return f'is out of reach of {home}'
    for folder, forbidden, exempt in MUST_NOT_INCLUDE:
        if name.startswith(folder) and target.startswith(forbidden) and not name.startswith(exempt):
            return f'is out of reach of {folder}'
    if target.endswith('_private.h') and Path(target).parent != Path(name).parent:
        return 'is private to its folder'
    return None


def foreign_fault(name, target):
    for pattern, places in FOREIGN:
        if re.match(pattern, target) and not name.startswith(places):
            return f'may only be included by {" and ".join(places)}'
    if name.startswith('shared/') and FOREIGN_LIBRARY.match(target):
        if not any(re.match(pattern, target) for pattern in SHARED_LIBRARIES):
            return 'is no library that shared/ may use'
    if not LIBC.match(target) and not FOREIGN_LIBRARY.match(target):
        return 'is a header that the table does not know'
    return None


def check(root):
    faults = []
    for path in lint.find(root, FOLDERS, ('.c', '.h', '.def')):
        name = path.as_posix()
        for line, is_own, target in includes((root / path).read_text()):
            fault = own_fault(root, name, target) if is_own else foreign_fault(name, target)
            if fault:
                faults.append(f'{name}:{line}: {target} {fault}')
    return faults


def header(*lines):
    return '\n'.join(('#pragma once',) + lines) + '\n'


BAD = (
    ({'shared/base/a.h': header('#include "shared/catalog/c.h"'), 'shared/catalog/c.h': header()},
     'shared/base/a.h:2: shared/catalog/c.h is out of reach'),
    ({'shared/control/a.c': '#include "shared/catalog/c.h"\n', 'shared/catalog/c.h': header()}, 'out of reach'),
    ({'shared/grammar/a.c': '#include "shared/config/c.h"\n', 'shared/config/c.h': header()}, 'out of reach'),
    ({'vosctl/main.c': '# include "switchd/conf/conf.h"\n', 'switchd/conf/conf.h': header()}, 'out of reach'),
    ({'switchd/call/call.c': '#include "switchd/ctl/server.h"\n', 'switchd/ctl/server.h': header()},
     'out of reach'),
    ({'switchd/ctl/show.c': '#include "switchd/sip/leg_private.h"\n', 'switchd/sip/leg_private.h': header()},
     'is private'),
    ({'switchd/call/call.c': '#include "call.h"\n', 'switchd/call/call.h': header()}, 'no path from'),
    ({'switchd/call/call.c': '#include <sofia-sip/sip.h>\n'}, 'switchd/sip/sofia.c'),
    ({'switchd/sip/msg.c': '#include <sofia-sip/sip.h>\n'}, 'switchd/sip/sofia.c'),
    ({'switchd/nat/keepalive.c': '#include <lmdb.h>\n'}, 'switchd/store/'),
    ({'switchd/sip/stream.c': '#include <openssl/ssl.h>\n'}, 'switchd/sip/tls.c'),
    ({'vosctl/main.c': '#include <histedit.h>\n'}, 'vosctl/shell/edit.c'),
    ({'shared/base/log.c': '#include <jansson.h>\n'}, 'shared/control/'),
    ({'shared/base/log.c': '#include <md5.h>\n'}, 'no library that shared'),
    ({'switchd/sip/a.c': '#include <boost/any.hpp>\n'}, 'does not know'),
)
GOOD = (
    {
        'switchd/sip/sofia.c': '#include <sofia-sip/sip.h>\n#include "switchd/sip/msg.h"\n',
        'switchd/sip/msg.h': header('#include "shared/base/span.h"'),
        'shared/base/span.h': header('#include <string.h>'),
        'switchd/store/store.c': '#include <lmdb.h>\n',
        'switchd/main.c': '#include "switchd/ctl/server.h"\n',
        'switchd/ctl/server.h': header('#include <sys/socket.h>'),
        'vosctl/shell/edit.c': '#include <histedit.h>\n',
    },
)

if __name__ == '__main__':
    lint.prove(check, BAD, GOOD)
    lint.report(check(lint.ROOT))
