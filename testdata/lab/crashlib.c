// SPDX-License-Identifier: GPL-2.0
/* crashlib.ko, a second module, so that traces cross a module boundary. */
#include <linux/kernel.h>
#include <linux/module.h>
#include "crashme.h"

INLINED int lib_key(struct crash_node *node)
{
	return node->key; /* @lib_key */
}

INLINED int lib_visit(struct crash_node *node, int sum)
{
	return sum * 31 + lib_key(node); /* @lib_visit */
}

noinline int crashlib_sum(struct crash_node *node)
{
	int sum = 7, i;

	for (i = 0; i < 4; i++) {
		sum = lib_visit(node, sum); /* @crashlib_sum */
		node = node->next;
	}
	return sum;
}
EXPORT_SYMBOL_GPL(crashlib_sum);

FRAME int lib_dispatch(struct crash_node *node, crashlib_callback callback, int depth)
{
	int r = callback(node, depth); /* @lib_dispatch */

	barrier();
	return r + 1;
}

noinline int crashlib_apply(struct crash_node *node, crashlib_callback callback, int depth)
{
	int r = lib_dispatch(node, callback, depth + 1); /* @crashlib_apply */

	barrier();
	return r + 1;
}
EXPORT_SYMBOL_GPL(crashlib_apply);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("helper library for crashme");
