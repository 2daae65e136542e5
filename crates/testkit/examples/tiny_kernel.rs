//! Writes a small kernel-like image and an oops that fits it: `tiny_kernel OUTDIR` makes `OUTDIR/vmlinux` and `OUTDIR/oops.log`.
//!
//! `make demo` runs on it where the real vmlinux cannot be fetched.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use testkit::{Function, Inline, Vmlinux};

/// The frames of the oops, innermost first: function, offset, and what stands in front of it.
const TRACE: &[(&str, u64, &str)] = &[
    ("tank_store", 0x35, " "),
    ("tank_lookup", 0x12, " ? "),
    ("pond_ioctl", 0x45, " "),
    ("vfs_ioctl", 0x18, " ? "),
    ("__x64_sys_ioctl", 0x55, " "),
    ("do_syscall_64", 0x25, " "),
    ("entry_SYSCALL_64_after_hwframe", 0x1e, " "),
];

fn kernel() -> Vmlinux {
    let function = |name, size, file, line| Function::new(name, size).file(file).line(line);
    Vmlinux::new()
        .banner("Linux version 6.1.0-tiny (demo@example) (gcc) #1 SMP PREEMPT_DYNAMIC")
        .build_id(&[0x7a; 20])
        .function(function("tank_alloc", 0x40, "drivers/pond/tank.c", 20))
        .function(
            function("tank_fill", 0x60, "drivers/pond/tank.c", 41)
                .inlined(
                    Inline::new("fish_set", "include/linux/fish.h", 12)
                        .range(0x20..0x40)
                        .called_at(48)
                        .row(0x28, 14)
                        .inlined(
                            Inline::new("fish_ptr", "include/linux/fish.h", 5)
                                .range(0x28..0x38)
                                .called_at(14)
                                .row(0x2a, 7),
                        ),
                )
                .row(0x40, 52),
        )
        .function(
            function("tank_store", 0x70, "drivers/pond/tank.c", 60)
                .inlined(
                    Inline::new("tank_locked", "drivers/pond/tank.c", 55).range(0x30..0x50).called_at(66).row(0x30, 57),
                )
                .calls("tank_fill", 0x35),
        )
        .function(function("tank_lookup", 0x30, "drivers/pond/tank.c", 80))
        .function(function("tank_drain", 0x30, "drivers/pond/tank.c", 95))
        .function(function("pond_open", 0x30, "drivers/pond/pond.c", 10))
        .function(function("pond_ioctl", 0x90, "drivers/pond/pond.c", 30).row(0x40, 37).calls("tank_store", 0x45))
        .function(function("pond_release", 0x30, "drivers/pond/pond.c", 60))
        .function(function("vfs_ioctl", 0x30, "fs/ioctl.c", 44))
        .function(
            function("__x64_sys_ioctl", 0x90, "fs/ioctl.c", 850)
                .inlined(
                    Inline::new("__do_sys_ioctl", "fs/ioctl.c", 857).range(0x20..0x70).called_at(850).row(0x50, 870),
                )
                .calls("pond_ioctl", 0x55),
        )
        .function(function("ksys_read", 0x80, "fs/read_write.c", 600))
        .function(function("ksys_write", 0x80, "fs/read_write.c", 630))
        .function(
            function("do_syscall_64", 0x80, "arch/x86/entry/common.c", 73)
                .inlined(
                    Inline::new("do_syscall_x64", "arch/x86/entry/common.c", 40)
                        .range(0x20..0x30)
                        .called_at(76)
                        .row(0x20, 46),
                )
                .calls("__x64_sys_ioctl", 0x25),
        )
        .function(function("syscall_exit_work", 0x40, "kernel/entry/common.c", 200))
        .function(
            function("entry_SYSCALL_64_after_hwframe", 0x60, "arch/x86/entry/entry_64.S", 110)
                .row(0x19, 121)
                .calls("do_syscall_64", 0x1e),
        )
}

/// The oops that the kernel would print, KASLR and all.
fn oops(kernel: &Vmlinux) -> String {
    let mut lines = vec![
        "BUG: kernel NULL pointer dereference, address: 0000000000000010".to_owned(),
        "#PF: supervisor write access in kernel mode".into(),
        "#PF: error_code(0x0002) - not-present page".into(),
        "Oops: 0002 [#1] PREEMPT SMP NOPTI".into(),
        "CPU: 1 PID: 214 Comm: angler Not tainted 6.1.0-tiny #1".into(),
        "Hardware name: QEMU Standard PC (i440FX + PIIX, 1996)".into(),
        format!("RIP: 0010:{}", kernel.frame("tank_fill", 0x2c)),
        "RSP: 0018:ffffb1c040377d60 EFLAGS: 00010246".into(),
        "RAX: 0000000000000000 RBX: ffff9f2d41b3c000 RCX: 0000000000000001".into(),
        "CR2: 0000000000000010 CR3: 0000000003a4e000 CR4: 00000000000006e0".into(),
        "Call Trace:".into(),
        " <TASK>".into(),
    ];
    lines.extend(TRACE.iter().map(|(function, offset, before)| format!("{before}{}", kernel.frame(function, *offset))));
    lines.extend([" </TASK>", "Modules linked in:", "---[ end trace 0000000000000000 ]---"].map(str::to_owned));
    lines.push("Kernel Offset: 0x1b400000 from 0xffffffff81000000".into());
    let mut text = String::new();
    for (n, line) in lines.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "[   31.{:06}] {line}", 415_000 + 90 * n);
    }
    text
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: tiny_kernel OUTDIR");
        return ExitCode::from(2);
    };
    let kernel = kernel();
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join("vmlinux"), kernel.write()))
        .and_then(|()| std::fs::write(folder.join("oops.log"), oops(&kernel)));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tiny_kernel: {}: {error}", folder.display());
            ExitCode::from(2)
        }
    }
}
