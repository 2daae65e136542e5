// SPDX-License-Identifier: GPL-2.0
/* Faults whose RIP is in the module, and jumps to places that are no code. */
#define pr_fmt(fmt) "crashme: " fmt
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "crashme.h"

FRAME void cr_null_read(void)
{
	struct crash_node *node = null_pointer();

	pr_info("read %d\n", READ_ONCE(node->pad)); /* @cr_null_read */
}

FRAME void cr_null_jump(void)
{
	void (*function)(void) = null_pointer();

	function(); /* @cr_null_jump */
	barrier();
}

FRAME void cr_nx_exec(void)
{
	void (*function)(void) = kzalloc(64, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(function);
	function(); /* @cr_nx_exec */
	barrier();
}

FRAME void cr_user_read(void)
{
	/* SMAP: a user pointer without copy_from_user() */
	pr_info("user %d\n", READ_ONCE(*(const char __force *)crash_user)); /* @cr_user_read */
}

FRAME void cr_paging(void)
{
	char *page = vmalloc(PAGE_SIZE);

	vfree(page);
	OPTIMIZER_HIDE_VAR(page);
	pr_info("byte %d\n", READ_ONCE(page[0x123])); /* @cr_paging */
}

FRAME void cr_ro_write(void)
{
	static const char text[64] = "read only text";
	char *p = (char *)text;

	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(*p, 'X'); /* @cr_ro_write */
}

FRAME void cr_gpf(void)
{
	int *p = (void *)0xdead4ead00000042UL;

	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(*p, 1); /* @cr_gpf */
}

FRAME void cr_divide(void)
{
	int zero = READ_ONCE(crash_zero);

	OPTIMIZER_HIDE_VAR(zero);
	pr_info("quotient %d\n", 100 / zero); /* @cr_divide */
}

FRAME void cr_bug(void)
{
	BUG(); /* @cr_bug */
}

FRAME void cr_warn(void)
{
	WARN(READ_ONCE(crash_one), "refusing value %d for %s\n", 42, "thing"); /* @cr_warn */
}

const struct crash_command fault_commands[] = {
	COMMAND(null_read), COMMAND(null_jump), COMMAND(nx_exec), COMMAND(user_read), COMMAND(paging),
	COMMAND(ro_write), COMMAND(gpf), COMMAND(divide), COMMAND(bug), COMMAND(warn), {}
};
