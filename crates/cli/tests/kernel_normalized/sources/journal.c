#include "kernel.h"

/* As ext4 has it: the line of the caller beside its name, or alone. */
#define start_journal(inode, blocks) __start_journal(inode, __LINE__, 0, blocks)
#define report(inode, block, text) __report(inode, __func__, __LINE__, block, text)
static inline void inlined_start(void *inode, unsigned line, int blocks)
{
	__start_journal(inode, line, 1, blocks);
}
#define start_inlined(inode, blocks) inlined_start(inode, __LINE__, blocks)

#line 1070
int journal(int x)
{
	start_journal(&x, 8);
	start_inlined(&x, 9);
	if (x < 17)
		report(&x, 1100,
		       "bad block");
	__start_journal(&x, 4096, 2, 10);
	__report(&x, __func__, 2048, 7, "number");
	printk(__FILE__, 2049);
	return x;
}
