/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file format is that of LMDB 0.9 (MDB_DATA_VERSION 1) on a 64-bit machine: pages of one size;
 * page 0 and 1 are meta pages, the one with the greater transaction number counts. A meta page
 * roots two B+trees: the free list and the main database. Page head: number (8), pad (2), flags
 * (2), then either lower and upper bound of the free room (2 + 2) and offsets of nodes (2 each),
 * or, on an overflow page, the number of pages (4). Node: low and high half of the data size (2 +
 * 2; on branch pages they are, with the flags, the child's number), flags (2), key size (2), key,
 * data. */
#include "switchd/store/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_HEAD     16u
#define NODE_HEAD     8u
#define META_MAGIC    0xBEEFC0DEu
#define META_VERSION  1u
#define META_SIZE     136u
#define META_DBS      24u /* offset of the free list's root record in the meta data */
#define DB_SIZE       48u
#define META_LAST     120u
#define META_TXN      128u
#define FLAG_BRANCH   0x01u
#define FLAG_LEAF     0x02u
#define FLAG_OVERFLOW 0x04u
#define FLAG_META     0x08u
#define NODE_BIG      0x01u /* data is on overflow pages */
#define NO_PAGE       UINT64_MAX
#define KEY_MAX       511u
#define DEPTH_MAX     32u
#define INTEGER_KEY   0x08u

struct tree {
	uint16_t flags;
	uint16_t depth;
	uint64_t entries;
	uint64_t root;
};

struct walk {
	int fd;
	uint32_t page_size;
	uint64_t page_count; /* whole pages in the file */
	uint64_t last_page;  /* as the meta page says */
	uint8_t *used;       /* a bit a page */
	bool is_free_list;   /* which tree is walked */
	uint64_t entries;    /* leaf nodes seen in it */
	uint8_t key[KEY_MAX];
	size_t key_len;
	bool has_key;
	char *why;
	size_t why_size;
};

static uint16_t load16(const uint8_t *p)
{
	uint16_t number;

	memcpy(&number, p, sizeof(number));
	return number;
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t number;

	memcpy(&number, p, sizeof(number));
	return number;
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t number;

	memcpy(&number, p, sizeof(number));
	return number;
}

static enum vos_err bad(struct walk *walk, uint64_t page, const char *what)
{
	snprintf(walk->why, walk->why_size, "page %llu: %s", (unsigned long long)page, what);
	return VOS_ECORRUPT;
}

static enum vos_err read_at(struct walk *walk, uint64_t page, size_t offset, uint8_t *out,
			    size_t size)
{
	off_t at = (off_t)(page * walk->page_size + offset);
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(walk->fd, out + done, size - done, at + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return VOS_EIO;
		if (got == 0)
			return bad(walk, page, "the file ends before it");
		done += (size_t)got;
	}
	return VOS_OK;
}

/* Marks pages as used; each may be used once. */
static enum vos_err use(struct walk *walk, uint64_t page, uint64_t count)
{
	if (page < 2 || page > walk->last_page || count == 0 || count > walk->last_page - page + 1)
		return bad(walk, page, "out of bounds");
	for (uint64_t i = page; i < page + count; i++) {
		if (walk->used[i / 8] & (1u << (i % 8)))
			return bad(walk, i, "used twice");
		walk->used[i / 8] |= (uint8_t)(1u << (i % 8));
	}
	return VOS_OK;
}

static enum vos_err check_overflow(struct walk *walk, uint64_t page, uint64_t data_size)
{
	uint8_t head[PAGE_HEAD];
	uint64_t pages;
	enum vos_err err;

	if (page < 2 || page > walk->last_page || page >= walk->page_count)
		return bad(walk, page, "overflow page out of bounds");
	err = read_at(walk, page, 0, head, sizeof(head));
	if (err)
		return err;
	pages = load32(head + 12);
	if (load64(head) != page || (load16(head + 10) & 0xff) != FLAG_OVERFLOW)
		return bad(walk, page, "no overflow page");
	if (pages * walk->page_size < PAGE_HEAD + data_size ||
	    page * walk->page_size + PAGE_HEAD + data_size > walk->page_count * walk->page_size)
		return bad(walk, page, "overflow pages too short");
	return use(walk, page, pages);
}

/* The free list's data: a count, then page numbers, none of them in use. */
static enum vos_err check_free_pages(struct walk *walk, uint64_t page, const uint8_t *inside,
				     uint64_t overflow, uint64_t size)
{
	uint8_t *list = malloc(size ? size : 1);
	enum vos_err err = VOS_OK;
	uint64_t count;

	if (!list)
		return VOS_ENOMEM;
	if (inside)
		memcpy(list, inside, size);
	else
		err = read_at(walk, overflow, PAGE_HEAD, list, size);
	count = !err && size >= 8 ? load64(list) : UINT64_MAX;
	if (!err && (size % 8 != 0 || count > size / 8 - 1))
		err = bad(walk, page, "free list too short");
	for (uint64_t i = 1; !err && i <= count; i++)
		err = use(walk, load64(list + 8 * i), 1);
	free(list);
	return err;
}

static int compare_keys(const struct walk *walk, const uint8_t *key, size_t len)
{
	size_t least = len < walk->key_len ? len : walk->key_len;
	int order;

	if (walk->is_free_list && len == 8 && walk->key_len == 8)
		return load64(key) > load64(walk->key) ? 1 : -1;
	order = memcmp(key, walk->key, least);
	if (order != 0)
		return order;
	return len > walk->key_len ? 1 : -1;
}

static enum vos_err check_leaf_node(struct walk *walk, uint64_t page, const uint8_t *node,
				    size_t room)
{
	uint64_t size = load16(node) | (uint64_t)load16(node + 2) << 16;
	uint16_t flags = load16(node + 4);
	size_t key_len = load16(node + 6);
	const uint8_t *key = node + NODE_HEAD;
	const uint8_t *data = key + key_len;
	uint64_t overflow = NO_PAGE;
	uint64_t inside = size;

	if (flags & ~NODE_BIG)
		return bad(walk, page, "a node of a kind that is not used");
	if (flags & NODE_BIG)
		inside = 8;
	if (key_len == 0 || key_len > KEY_MAX || NODE_HEAD + key_len + inside > room)
		return bad(walk, page, "a node beyond its page");
	if (walk->is_free_list && key_len != 8)
		return bad(walk, page, "a free list key of a wrong size");
	if (walk->has_key && compare_keys(walk, key, key_len) <= 0)
		return bad(walk, page, "keys out of order");
	memcpy(walk->key, key, key_len);
	walk->key_len = key_len;
	walk->has_key = true;
	walk->entries++;
	if (flags & NODE_BIG) {
		enum vos_err err;

		overflow = load64(data);
		err = check_overflow(walk, overflow, size);
		if (err)
			return err;
	}
	if (!walk->is_free_list)
		return VOS_OK;
	return check_free_pages(walk, page, flags & NODE_BIG ? NULL : data, overflow, size);
}

static enum vos_err check_page_head(struct walk *walk, uint64_t page, const uint8_t *bytes,
				    bool is_leaf, size_t *nodes)
{
	uint16_t lower = load16(bytes + 12);
	uint16_t upper = load16(bytes + 14);

	if (load64(bytes) != page)
		return bad(walk, page, "another page's number");
	if ((load16(bytes + 10) & 0xff) != (is_leaf ? FLAG_LEAF : FLAG_BRANCH))
		return bad(walk, page, is_leaf ? "no leaf page" : "no branch page");
	if (lower < PAGE_HEAD || lower > upper || upper > walk->page_size || lower % 2)
		return bad(walk, page, "bounds out of order");
	*nodes = (lower - PAGE_HEAD) / 2u;
	if (*nodes == 0 || (!is_leaf && !walk->is_free_list && *nodes < 2))
		return bad(walk, page, "too few nodes");
	return VOS_OK;
}

/* level counts down to 1, the leaves. */
static enum vos_err walk_page(struct walk *walk, uint64_t page, unsigned level)
{
	uint8_t *bytes = NULL;
	size_t nodes = 0;
	enum vos_err err = use(walk, page, 1);

	if (!err && page >= walk->page_count)
		err = bad(walk, page, "the file ends before it");
	if (err)
		return err;
	bytes = malloc(walk->page_size);
	if (!bytes)
		return VOS_ENOMEM;
	err = read_at(walk, page, 0, bytes, walk->page_size);
	if (!err)
		err = check_page_head(walk, page, bytes, level == 1, &nodes);
	for (size_t i = 0; !err && i < nodes; i++) {
		size_t at = load16(bytes + PAGE_HEAD + 2 * i);
		const uint8_t *node = bytes + at;

		if (at < load16(bytes + 14) || at % 2 || at + NODE_HEAD > walk->page_size) {
			err = bad(walk, page, "a node out of bounds");
		} else if (level == 1) {
			err = check_leaf_node(walk, page, node, walk->page_size - at);
		} else if (at + NODE_HEAD + load16(node + 6) > walk->page_size) {
			err = bad(walk, page, "a branch key beyond its page");
		} else {
			uint64_t child = load16(node) | (uint64_t)load16(node + 2) << 16 |
					 (uint64_t)load16(node + 4) << 32;

			err = walk_page(walk, child, level - 1);
		}
	}
	free(bytes);
	return err;
}

static enum vos_err walk_tree(struct walk *walk, const struct tree *tree, bool is_free_list)
{
	enum vos_err err;

	walk->is_free_list = is_free_list;
	walk->entries = 0;
	walk->has_key = false;
	if (tree->flags != (is_free_list ? INTEGER_KEY : 0))
		return bad(walk, 0, "a database of a kind that is not used");
	if (tree->root == NO_PAGE)
		return tree->entries == 0 && tree->depth == 0 ? VOS_OK
							      : bad(walk, 0, "a root is missing");
	if (tree->depth == 0 || tree->depth > DEPTH_MAX)
		return bad(walk, 0, "a tree of impossible depth");
	err = walk_page(walk, tree->root, tree->depth);
	if (!err && walk->entries != tree->entries)
		err = bad(walk, tree->root, "records are missing");
	return err;
}

static struct tree load_tree(const uint8_t *p)
{
	return (struct tree){
		.flags = load16(p + 4),
		.depth = load16(p + 6),
		.entries = load64(p + 32),
		.root = load64(p + 40),
	};
}

/* The data of one meta page. */
static enum vos_err read_meta(struct walk *walk, uint64_t page, uint8_t meta[META_SIZE])
{
	uint8_t bytes[PAGE_HEAD + META_SIZE];
	enum vos_err err = read_at(walk, page, 0, bytes, sizeof(bytes));

	if (err)
		return err;
	if (load64(bytes) != page || !(load16(bytes + 10) & FLAG_META) ||
	    load32(bytes + PAGE_HEAD) != META_MAGIC)
		return bad(walk, page, "no meta page of LMDB");
	if (load32(bytes + PAGE_HEAD + 4) != META_VERSION)
		return bad(walk, page, "written by another version of LMDB");
	memcpy(meta, bytes + PAGE_HEAD, META_SIZE);
	return VOS_OK;
}

static enum vos_err walk_file(struct walk *walk, uint64_t file_size)
{
	uint8_t metas[2][META_SIZE];
	struct tree free_list;
	struct tree main_tree;
	const uint8_t *meta;
	enum vos_err err;

	walk->page_size = 4096; /* enough to read page 0 */
	err = read_meta(walk, 0, metas[0]);
	if (err)
		return err;
	walk->page_size = load32(metas[0] + META_DBS);
	if (walk->page_size < 512 || walk->page_size > 65536 ||
	    (walk->page_size & (walk->page_size - 1)))
		return bad(walk, 0, "impossible page size");
	err = read_meta(walk, 1, metas[1]);
	if (err)
		return err;
	if (load32(metas[1] + META_DBS) != walk->page_size)
		return bad(walk, 1, "another page size than page 0");
	meta = metas[load64(metas[1] + META_TXN) > load64(metas[0] + META_TXN)];
	walk->page_count = file_size / walk->page_size;
	walk->last_page = load64(meta + META_LAST);
	/* The last pages may never have been written; far more than the file has is nonsense. */
	if (walk->last_page < 1 || walk->last_page > walk->page_count * 2 + 65536)
		return bad(walk, meta == metas[1], "impossible number of pages");
	walk->used = calloc(walk->last_page / 8 + 1, 1);
	if (!walk->used)
		return VOS_ENOMEM;
	free_list = load_tree(meta + META_DBS);
	main_tree = load_tree(meta + META_DBS + DB_SIZE);
	err = walk_tree(walk, &free_list, true);
	if (!err)
		err = walk_tree(walk, &main_tree, false);
	free(walk->used);
	return err;
}

enum vos_err lmdb_file_verify(const char *path, char *why, size_t size)
{
	struct walk walk = {.fd = open(path, O_RDONLY | O_CLOEXEC), .why = why, .why_size = size};
	enum vos_err err = VOS_OK;
	struct stat st;

	if (walk.fd < 0) {
		if (errno == ENOENT)
			return VOS_OK;
		return errno == EACCES || errno == EPERM ? VOS_EPERM : VOS_EIO;
	}
	if (fstat(walk.fd, &st) != 0)
		err = VOS_EIO;
	else if (!S_ISREG(st.st_mode))
		err = bad(&walk, 0, "not a regular file");
	else if (st.st_size > 0)
		err = walk_file(&walk, (uint64_t)st.st_size);
	close(walk.fd);
	return err;
}
