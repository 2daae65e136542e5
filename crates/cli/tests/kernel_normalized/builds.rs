//! What is another in each build: ids, versions, times, types, keys.

use std::path::Path;
use std::process::Command;

use crate::kernel::{Kernel, base, compared, different, equivalent};

#[test]
fn versions_and_times_do_not_count() {
    let other = base().with("6.1.0-syz", "6.1.99-something").with("Thu Jan 1 00:00:00 UTC 1970", "Fri Feb 2 2024");
    equivalent("version", other);
    equivalent("compiler", base().with("(gcc 12)", "(gcc 12.2.0, somewhere else)"));
}

/// The build-id that readelf finds in a file.
fn build_id(path: &Path) -> String {
    let output = Command::new("readelf").arg("-n").arg(path).output().unwrap();
    let notes = String::from_utf8(output.stdout).unwrap();
    let id = notes.lines().find_map(|line| line.trim().strip_prefix("Build ID: "));
    id.map_or(String::new(), str::to_owned)
}

#[test]
fn build_ids_do_not_count() {
    // Notes are no part of either signature. A `vmlinux.o` has no build-id, and all forms have the note of a salt.
    let mut other = base().with("\\\"salt\\\"", "\\\"tlas\\\"");
    other.build_id = "0x2222222222222222";
    assert_eq!(compared("build-id", &base(), &other), ["identical"; 3]);
    let ids = ["a", "b"].map(|side| {
        let built = crate::kernel::folder("build-id").join(side);
        ["vmlinux.relocs", "vmlinux"].map(|name| build_id(&built.join(name)))
    });
    assert_eq!(ids, [["1111111111111111"; 2], ["2222222222222222"; 2]]);
    // The image of the vDSO lies in the kernel's data with its own notes.
    let with_note = |id: &str| -> Kernel {
        let note = r##"asm(".data\n.balign 4\nraw_data: .long 9, 4, 8, 3\n.asciz \"GNU\"\n.quad ID\n.previous");"##;
        base().with("void start(void)", &format!("{}\nvoid start(void)", note.replace("ID", id)))
    };
    assert_eq!(compared("note", &with_note("1"), &with_note("2")), ["equivalent"; 3]);
    let other = with_note("1").with(".long 9, 4", ".long 8, 4");
    for out in compared("note-2", &with_note("1"), &other) {
        assert!(out.contains("  raw_data\n"), "{out}");
    }
    equivalent("vmlinux_build_id", base().with("id one", "id two"));
    different("vmlinux_other_id", base().with("other one", "other two"), "  vmlinux_other_id\n");
}

#[test]
fn debug_types_do_not_count() {
    equivalent("types", base().with("types one", "other types"));
    equivalent("type-ids", base().with("third__100: .long 17", "third__100: .long 18"));
    different(
        "type-ids-2",
        base().with("__func__third__100", "__func__fourth__100").with("fourth__100: .long 17", "fourth__100: .long 18"),
        "__BTF_ID__func__fourth__\n",
    );
}

#[test]
fn keys_that_sign_modules_do_not_count() {
    equivalent("key", base().with("key one", "another key"));
    different("key-2", base().with(".quad 77", ".quad 78"), "literals");
}

#[test]
fn what_modules_say_of_their_build_does_not_count() {
    equivalent("vermagic", base().with("vermagic=6.1.0-syz SMP", "vermagic=6.1.1-syz SMP preempt"));
    equivalent("srcversion", base().with("0123456789ABCDEF", "F0123456789ABCDE"));
    equivalent("module-file", base().with("tables.file=lib/tables", "tables.file=drivers/tables"));
    different("license", base().with("license=GPL", "license=Dual MIT/GPL"), "  __UNIQUE_ID_info\n");
}

#[test]
fn times_in_the_initramfs_do_not_count() {
    equivalent("initramfs", base().with("\\\"65000000\\\"", "\\\"66aabbcc\\\""));
    different("initramfs-2", base().with("\\\"000081a4\\\"", "\\\"000081ed\\\""), "__initramfs_start");
    different("initramfs-3", base().with("\\\"boot\\\"", "\\\"Boot\\\""), "__initramfs_start");
}

#[test]
fn the_copy_of_the_symbol_table_does_not_count() {
    equivalent("kallsyms", base().with("names one", "other names").with(".long 17, 4\\n", ".long 17, 4, 12\\n"));
    different("kallsyms-2", base().with("kept one", "kept two"), "  kept_names\n");
}
