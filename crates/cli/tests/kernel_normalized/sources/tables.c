#include "kernel.h"

/* Entries of tables, as the kernel's macros write them. */
struct _ddebug { const char *modname, *function, *filename, *format; unsigned lineno : 18, class_id : 6, flags : 8; };
static struct _ddebug __attribute__((section("__dyndbg"), aligned(8), used)) __UNIQUE_ID_ddebug100 =
	{ "tables", "third", __FILE__, "third says %d\n", __LINE__, 0, 1 };
#define MODINFO(n, text) static const char __attribute__((section(".modinfo"), used, aligned(1))) __UNIQUE_ID_info##n[] = text
MODINFO(200, "vermagic=6.1.0-syz SMP mod_unload");
MODINFO(201, "srcversion=0123456789ABCDEF");
MODINFO(202, "license=GPL");
MODINFO(203, "tables.file=lib/tables");
unsigned char vmlinux_build_id[20] = "id one";
unsigned char vmlinux_other_id[20] = "other one";

int third(int x) { return first(x) * 9; }
int fourth(int x) { return second(x) - 5; }

asm(".pushsection __ex_table,\"a\"\n"
    ".long third - .\n.long fourth - .\n.long 1\n"
    ".long fourth - .\n.long third + 2 - .\n.long 2\n"
    ".section .orc_unwind_ip,\"a\"\n"
    ".long third - .\n.long fourth - .\n"
    ".section .orc_unwind,\"a\"\n"
    ".short 8, 0\n.byte 5, 0\n" ".short 16, -16\n.byte 5, 1\n"
    ".section .altinstructions,\"a\"\n"
    ".long third - .\n.long 771f - .\n.word 11\n.byte 1, 1\n"
    ".long fourth - .\n.long 772f - .\n.word 12\n.byte 1, 1\n"
    ".section .altinstr_replacement,\"ax\"\n771: ret\n772: nop\nret\n"
    ".section __jump_table,\"aw\"\n"
    ".long third - .\n.long third + 4 - .\n.quad counter - .\n"
    ".long fourth - .\n.long fourth + 4 - .\n.quad limits - .\n"
    ".section .BTF_ids,\"a\"\n"
    ".type __BTF_ID__func__third__100, @object\n__BTF_ID__func__third__100: .long 17\n.size __BTF_ID__func__third__100, 4\n"
    ".section .init.ramfs,\"a\"\n"
    ".globl __initramfs_start\n__initramfs_start:\n"
    ".ascii \"070701\" \"00000001\" \"000081a4\" \"00000000\" \"00000000\" \"00000001\" \"65000000\" \"00000004\"\n"
    ".ascii \"00000000\" \"00000000\" \"00000000\" \"00000000\" \"00000005\" \"00000000\"\n"
    ".asciz \"init\"\n.balign 4\n.ascii \"boot\"\n"
    ".section .rodata.kallsyms,\"a\"\n"
    ".globl kallsyms_names\nkallsyms_names: .ascii \"names one\"\n"
    ".globl kallsyms_offsets\nkallsyms_offsets: .long 17, 4\n"
    ".globl kept_names\n.type kept_names, @object\nkept_names: .ascii \"kept one\"\n.size kept_names, 8\n"
    ".section .note.Linux,\"a\",@note\n.long 6, 4, 0x100\n.asciz \"Linux\"\n.balign 4\n.ascii \"salt\"\n"
    ".popsection");
