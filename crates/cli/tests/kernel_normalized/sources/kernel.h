#define WARN(c) do { if (c) asm volatile("1: ud2\n.pushsection __bug_table,\"aw\"\n2: .long 1b - .\n.long %c0 - .\n" \
    ".word %c1\n.word %c2\n.org 2b + 12\n.popsection" :: "i"(__FILE__), "i"(__LINE__), "i"(FLAGS)); } while (0)
#define FLAGS 2305
#define noinline __attribute__((noinline, noclone))
struct key { char sub[8]; };
struct place { const char *file; unsigned line, column; };
void printk(const char *text, ...);
void might_sleep(const char *file, int line);
void lock_init(void *lock, const char *name, struct key *key);
void ubsan(struct place *place);
void __start_journal(void *inode, unsigned line, int type, int blocks);
void __report(void *inode, const char *function, unsigned line, int block, const char *text);
int first(int x);
int second(int x);
