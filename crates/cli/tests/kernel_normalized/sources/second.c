#include "kernel.h"

static noinline int helper(int x) { asm volatile(""); return x * 5 + 2; }
static struct place where = { __FILE__, __LINE__, 7 };
int counter;
int second(int x)
{
	if (x < 0)
		ubsan(&where);
	WARN(x == 5);
	counter += helper(x);
	return counter;
}
asm(".section .initcall,\"a\"\n__initcall__kmod_second__12_34_alpha6: .long first - .\n"
    "__initcall__kmod_second__13_56_beta6: .long second - .\n.previous");
