#include "kernel.h"

static noinline int helper(int x) { asm volatile(""); return x * 3 + 1; }
int first(int x)
{
	static struct key __key;
	WARN(x > 1000);
	might_sleep(__FILE__, __LINE__);
	lock_init(&x, "first", &__key);
	printk("first is %d\n", helper(x));
	return second(x) + 4711;
}

int limits[4] = { 10, 20, 30, 40 };

int choose(int x)
{
	static struct key __key;
	lock_init(&x, "choose", &__key);
	switch (x) {
	case 0: printk("nought"); return limits[1];
	case 1: printk("one"); return second(7);
	case 2: printk("two"); return first(2);
	case 3: printk("three"); return 17;
	case 4: printk("four"); return second(4);
	case 5: printk("five"); return helper(5);
	}
	return 0;
}
