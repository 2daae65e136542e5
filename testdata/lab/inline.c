// SPDX-License-Identifier: GPL-2.0
/* Call chains that are hard to read back: inlined, across modules, split, cloned, tail-called. */
#define pr_fmt(fmt) "crashme: " fmt
#include <linux/bug.h>
#include <linux/kernel.h>
#include "crashme.h"

INLINED void il_store(struct crash_node *node, int v)
{
	WRITE_ONCE(node->key, v); /* @il_store */
}

INLINED void il_update(struct crash_node *node, int v)
{
	if (v > 100)
		v -= 100;
	il_store(node, v); /* @il_update */
}

INLINED int il_walk(struct crash_node *node, int v)
{
	int i, sum = 0;

	for (i = 0; i < 3; i++) {
		il_update(node, v + i); /* @il_walk */
		sum += node->key;
		node = node->next;
	}
	return sum;
}

FRAME int chain_3(struct crash_node *node, int v)
{
	int r = il_walk(node, v * 3); /* @chain_3 */

	barrier();
	return r + 3;
}

INLINED int il_pass(struct crash_node *node, int v)
{
	return chain_3(node, v + 1) * 2; /* @il_pass */
}

FRAME int chain_2(struct crash_node *node, int v)
{
	int r = il_pass(node, v ^ 5); /* @chain_2 */

	barrier();
	return r + 2;
}

FRAME int chain_1(struct crash_node *node, int v)
{
	int r = chain_2(node, v + 9); /* @chain_1 */

	barrier();
	return r + 1;
}

FRAME void cr_deep_inline(void)
{
	pr_info("deep %d\n", chain_1(null_pointer(), READ_ONCE(crash_one))); /* @cr_deep_inline */
}

/* crashme -> crashlib -> crashme again, and again */
static int cross_callback(struct crash_node *node, int depth) /* @cross_callback.enter */
{
	int r;

	if (depth > 3) {
		r = il_walk(node, depth); /* @cross_callback.leaf */
		barrier();
		return r;
	}
	r = crashlib_apply(node, cross_callback, depth); /* @cross_callback.again */
	barrier();
	return r + 2;
}

FRAME void cr_cross_module(void)
{
	pr_info("cross %d\n", crashlib_apply(NULL, cross_callback, READ_ONCE(crash_one))); /* @cr_cross_module */
}

FRAME void cr_other_module(void)
{
	pr_info("sum %d\n", crashlib_sum(null_pointer())); /* @cr_other_module */
}

/* Left to the compiler: an unused argument and a constant one make it a clone. */
static noinline int clone_helper(struct crash_node *node, int mode, int unused)
{
	int r = mode * 3 + READ_ONCE(node->pad); /* @clone_helper */

	barrier();
	return r;
}

FRAME void cr_clone(void)
{
	pr_info("clone %d\n", clone_helper(null_pointer(), 4, 9)); /* @cr_clone */
}

/* Left to the compiler: the unlikely branch goes to cold_user.cold in .text.unlikely. */
FRAME int cold_user(struct crash_node *node, int v)
{
	if (unlikely(v == 1)) {
		pr_err("going to the cold part, v=%d\n", v);
		WARN(1, "cold warning v=%d\n", v); /* @cold_user.warn */
		WRITE_ONCE(node->pad, v); /* @cold_user.store */
	}
	return v + 1;
}

FRAME void cr_cold(void)
{
	pr_info("cold %d\n", cold_user(null_pointer(), READ_ONCE(crash_one))); /* @cr_cold */
}

FRAME void tail_leaf(int *p)
{
	WRITE_ONCE(*p, 3); /* @tail_leaf */
}

FRAME void tail_middle(int *p)
{
	tail_leaf(p + READ_ONCE(crash_zero)); /* a jump: no frame of tail_middle */
}

FRAME void cr_tail(void)
{
	tail_middle(null_pointer()); /* a jump: no frame of cr_tail */
}

const struct crash_command inline_commands[] = {
	COMMAND(deep_inline), COMMAND(cross_module), COMMAND(other_module), COMMAND(clone), COMMAND(cold), COMMAND(tail), {}
};
