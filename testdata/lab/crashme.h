/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CRASHME_H
#define CRASHME_H

#include <linux/compiler.h>
#include <linux/types.h>

/*
 * A comment "@name" marks the line where a frame of function "name" stands in a trace; "@name.what" where one function
 * has several such lines. The scenarios name frames by these tags, so that expected lines follow the source.
 */

/* A frame of its own, whatever the optimiser would like. */
#define FRAME static noinline __noclone
/* No frame of its own, whatever the optimiser would like. */
#define INLINED static __always_inline

struct crash_node {
	int key;
	int pad;
	struct crash_node *next;
	char name[48];
};

struct crash_command {
	const char *name;
	void (*run)(void);
};

#define COMMAND(name) { #name, cr_##name }

/* Each file offers its commands in a table that ends with an empty row. */
extern const struct crash_command fault_commands[];
extern const struct crash_command core_commands[];
extern const struct crash_command lockup_commands[];
extern const struct crash_command context_commands[];
extern const struct crash_command inline_commands[];

/* What the compiler must not know: 0, 1, and a user space address. */
extern int crash_zero, crash_one;
extern const char __user *crash_user;

static __always_inline void *null_pointer(void)
{
	return (void *)(unsigned long)READ_ONCE(crash_zero);
}

/* crashlib.ko: calls back through two frames of its own, and reads a list in inlined helpers. */
typedef int (*crashlib_callback)(struct crash_node *node, int depth);
int crashlib_apply(struct crash_node *node, crashlib_callback callback, int depth);
int crashlib_sum(struct crash_node *node);

#endif
