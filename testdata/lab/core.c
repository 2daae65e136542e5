// SPDX-License-Identifier: GPL-2.0
/* Reports that the core kernel makes about what the module asked of it. */
#define pr_fmt(fmt) "crashme: " fmt
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/panic.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include "crashme.h"

FRAME void cr_core_warn(void)
{
	static struct work_struct never_initialised;

	flush_work(&never_initialised); /* @cr_core_warn */
	barrier();
}

FRAME void cr_core_gpf(void)
{
	char text[32];

	/* hex_string() follows the bad pointer, several inlined calls below vsnprintf(). */
	snprintf(text, sizeof(text), "%*ph", 8, (void *)0xdead4ead00000042UL); /* @cr_core_gpf */
	pr_info("%s\n", text);
}

FRAME void cr_core_null(void)
{
	char *zeroes = kzalloc(256, GFP_KERNEL);

	/* The wait list of a zeroed completion is no list head. */
	complete_all((struct completion *)(zeroes + 8)); /* @cr_core_null */
	kfree(zeroes);
}

FRAME void cr_list_add(void)
{
	LIST_HEAD(head);
	struct list_head a, b;

	list_add(&a, &head);
	head.next = &b;
	b.prev = &b;
	list_add(&b, &head); /* @cr_list_add */
}

FRAME void cr_list_del(void)
{
	struct { struct list_head list; char pad[64]; } *item = kzalloc(sizeof(*item), GFP_KERNEL);
	LIST_HEAD(head);

	list_add(&item->list, &head);
	list_del(&item->list);
	list_del(&item->list); /* @cr_list_del */
	kfree(item);
}

FRAME void cr_refcount(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count); /* @cr_refcount */
}

FRAME void cr_fortify(void)
{
	struct { char a[8]; char b[8]; } *pair = kzalloc(16, GFP_KERNEL);
	char source[20];

	memset(source, 'A', sizeof(source));
	source[19] = 0;
	OPTIMIZER_HIDE_VAR(pair);
	strcpy(pair->a, source + READ_ONCE(crash_zero)); /* @cr_fortify */
	pr_info("fortify %s\n", pair->b);
	kfree(pair);
}

FRAME void cr_usercopy(void)
{
	char *small = kmalloc(64, GFP_KERNEL);
	size_t len = 512 * READ_ONCE(crash_one);

	OPTIMIZER_HIDE_VAR(small);
	if (copy_to_user((void __user *)crash_user, small, len)) /* @cr_usercopy */
		pr_info("short\n");
	kfree(small);
}

FRAME void cr_stack_smash(void)
{
	char buf[16];
	volatile char *p = buf;
	int i, n = 16 + 48 * READ_ONCE(crash_one);

	OPTIMIZER_HIDE_VAR(p);
	for (i = 0; i < n; i++)
		p[i] = 'S';
} /* @cr_stack_smash */

FRAME int recurse(int n, int *up)
{ /* @recurse.enter */
	volatile char buf[512];
	int r;

	buf[n & 511] = (char)n;
	r = recurse(n + 1, &n) + *up; /* @recurse */
	return r + buf[(n * 7) & 511];
}

FRAME void cr_stack_overflow(void)
{
	int x = 0;

	pr_info("depth %d\n", recurse(READ_ONCE(crash_zero), &x)); /* @cr_stack_overflow */
}

static DEFINE_SPINLOCK(held);
FRAME void cr_sched_atomic(void)
{
	spin_lock(&held);
	msleep(20); /* @cr_sched_atomic */
	spin_unlock(&held);
}

FRAME void cr_alloc_fail(void)
{
	LIST_HEAD(blocks);
	unsigned long block;
	int i;

	for (i = 0; i < 4096; i++) {
		block = __get_free_pages(GFP_ATOMIC, 9); /* @cr_alloc_fail */
		if (!block)
			break;
		list_add((struct list_head *)block, &blocks);
	}
	while (!list_empty(&blocks)) {
		block = (unsigned long)blocks.next;
		list_del((struct list_head *)block);
		free_pages(block, 9);
	}
}

FRAME void cr_vmalloc_fail(void)
{
	vfree(vmalloc((unsigned long)64 << 40)); /* @cr_vmalloc_fail */
}

FRAME void cr_panic(void)
{
	panic("crashme: direct panic, code %d", 42); /* @cr_panic */
}

FRAME void cr_dump_stack(void)
{
	dump_stack(); /* @cr_dump_stack */
	barrier();
}

const struct crash_command core_commands[] = {
	COMMAND(core_warn), COMMAND(core_gpf), COMMAND(core_null), COMMAND(list_add), COMMAND(list_del),
	COMMAND(refcount), COMMAND(fortify), COMMAND(usercopy), COMMAND(stack_smash), COMMAND(stack_overflow),
	COMMAND(sched_atomic), COMMAND(alloc_fail), COMMAND(vmalloc_fail), COMMAND(panic), COMMAND(dump_stack), {}
};
