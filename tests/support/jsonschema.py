# SPDX-License-Identifier: GPL-2.0-or-later
"""Validation against the part of JSON Schema (draft 2020-12) that the files of data/schema use: a keyword
that is not known here is an error of the schema, not something to pass over."""
import re

TYPES = {
    'object': lambda value: isinstance(value, dict),
    'array': lambda value: isinstance(value, list),
    'string': lambda value: isinstance(value, str),
    'integer': lambda value: isinstance(value, int) and not isinstance(value, bool),
    'boolean': lambda value: isinstance(value, bool),
    'null': lambda value: value is None,
}
FORMATS = {'date-time': re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z')}
ANNOTATIONS = {'$schema', 'title', 'description', '$defs'}
RULES = {'type', 'const', 'format', 'minimum', 'properties', 'required', 'additionalProperties', 'items', '$ref'}


class SchemaError(Exception):
    """The schema itself is wrong."""


def resolve(root, reference):
    if not reference.startswith('#/'):
        raise SchemaError(f'{reference}: not in this document')
    part = root
    for name in reference[2:].split('/'):
        if name not in part:
            raise SchemaError(f'{reference}: does not exist')
        part = part[name]
    return part


def object_faults(root, schema, value, place):
    properties = schema.get('properties', {})
    for name in schema.get('required', ()):
        if name not in value:
            yield f'{place}: {name} is missing'
    for name, member in value.items():
        if name in properties:
            yield from faults(root, properties[name], member, f'{place}.{name}')
        elif schema.get('additionalProperties', True) is False:
            yield f'{place}: {name} is not declared'


def faults(root, schema, value, place='document'):
    """What is wrong with the value, as text."""
    unknown = set(schema) - ANNOTATIONS - RULES
    if unknown:
        raise SchemaError(f'{place}: {sorted(unknown)} are not known to this validator')
    if '$ref' in schema:
        yield from faults(root, resolve(root, schema['$ref']), value, place)
    if 'const' in schema and value != schema['const']:
        yield f'{place}: {value!r} instead of {schema["const"]!r}'
    types = schema.get('type', list(TYPES))
    if not any(TYPES[name](value) for name in ([types] if isinstance(types, str) else types)):
        yield f'{place}: {value!r} is no {types}'
        return
    if isinstance(value, str) and 'format' in schema and not FORMATS[schema['format']].fullmatch(value):
        yield f'{place}: {value!r} is no {schema["format"]}'
    if 'minimum' in schema and isinstance(value, int) and value < schema['minimum']:
        yield f'{place}: {value} is below {schema["minimum"]}'
    if isinstance(value, dict):
        yield from object_faults(root, schema, value, place)
    if isinstance(value, list) and 'items' in schema:
        for i, entry in enumerate(value):
            yield from faults(root, schema['items'], entry, f'{place}[{i}]')
