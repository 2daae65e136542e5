// SPDX-License-Identifier: GPL-2.0
/* crashme.ko provokes one kernel report per command written to /proc/crashme. */
#define pr_fmt(fmt) "crashme: " fmt
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "crashme.h"

int crash_zero;
int crash_one = 1;
const char __user *crash_user;

static const struct crash_command *const tables[] = {
	fault_commands, core_commands, lockup_commands, context_commands, inline_commands,
};

FRAME int crashme_run(const char *name)
{
	const struct crash_command *command;
	int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		for (command = tables[i]; command->name; command++) {
			if (strcmp(command->name, name))
				continue;
			pr_info("running %s\n", name);
			command->run(); /* @crashme_run */
			pr_info("finished %s\n", name);
			return 0;
		}
	}
	pr_err("unknown command %s\n", name);
	return -EINVAL;
}

static ssize_t crashme_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	char name[40];
	size_t n = min(len, sizeof(name) - 1);
	int error;

	if (copy_from_user(name, from, n))
		return -EFAULT;
	name[n] = 0;
	crash_user = from;
	error = crashme_run(strim(name)); /* @crashme_write */
	return error ? error : len;
}

static const struct proc_ops proc_ops = { .proc_write = crashme_write };
static struct proc_dir_entry *entry;

static char *at_init;
module_param(at_init, charp, 0);
MODULE_PARM_DESC(at_init, "command to run while the module loads");
static char *at_exit;
module_param(at_exit, charp, 0);
MODULE_PARM_DESC(at_exit, "command to run while the module goes");

static int __init crashme_init(void)
{
	entry = proc_create("crashme", 0200, NULL, &proc_ops);
	if (!entry)
		return -ENOMEM;
	if (at_init)
		crashme_run(at_init); /* @crashme_init */
	return 0;
}

static void __exit crashme_exit(void)
{
	if (at_exit)
		crashme_run(at_exit); /* @crashme_exit */
	proc_remove(entry);
}

module_init(crashme_init);
module_exit(crashme_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("provokes kernel reports on demand");
