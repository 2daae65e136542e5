#include "kernel.h"

const char linux_banner[] = "Linux version 6.1.0-syz (me@here) (gcc 12) #1 SMP Thu Jan 1 00:00:00 UTC 1970\n";
struct { char name[16], release[32], version[64]; } init_uts_ns =
	{ "Linux", "6.1.0-syz", "#1 SMP Thu Jan 1 00:00:00 UTC 1970" };
void printk(const char *text, ...) { asm volatile("" :: "r"(text)); }
void might_sleep(const char *file, int line) { asm volatile("" :: "r"(file), "r"(line)); }
void lock_init(void *lock, const char *name, struct key *key) { asm volatile("" :: "r"(name), "r"(key)); }
void ubsan(struct place *place) { asm volatile("" :: "r"(place)); }
void __start_journal(void *inode, unsigned line, int type, int blocks)
{
	asm volatile("" :: "r"(inode), "r"(line), "r"(type), "r"(blocks));
}
void __report(void *inode, const char *function, unsigned line, int block, const char *text)
{
	asm volatile("" :: "r"(function), "r"(line), "r"(block), "r"(text));
}
void start(void) { printk("6.1.0-syz boots"); printk(linux_banner); first(1); }
asm(".section .init.rodata,\"a\"\n.globl system_certificate_list\nsystem_certificate_list:\n__cert_list_start: .ascii \"key one\"\n"
    "__cert_list_end: .quad 77\n.section .BTF,\"a\"\n.ascii \"types one\"\n.previous");
