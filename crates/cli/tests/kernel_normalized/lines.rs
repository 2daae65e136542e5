//! Lines and paths of sources.

use crate::kernel::{Kernel, base, compared, different, equivalent, folder, ksplat};

#[test]
fn a_comment_above_a_warning_does_not_count() {
    equivalent("comment", base().with("\tWARN(x > 1000);", "\t/*\n\t * A comment.\n\t */\n\tWARN(x > 1000);"));
    equivalent("comment-2", base().with("static struct place", "\n\nstatic struct place"));
}

#[test]
fn the_name_of_a_file_does_not_count() {
    equivalent("renamed", base().renamed("lib/first.c", "drivers/a/much/longer.c"));
    equivalent("renamed-2", base().renamed("lib/second.c", "s.c"));
}

#[test]
fn flags_of_a_warning_count() {
    let other = base().with("WARN(x == 5);", "\n#undef FLAGS\n#define FLAGS 2307\nWARN(x == 5);");
    different("flags", other, "tables changed: 1\n");
}

/// The line of `journal` is passed beside its name, alone, and through an inlined function.
#[test]
fn a_comment_above_a_call_that_passes_its_line_does_not_count() {
    let comment = |kernel: Kernel| kernel.with("int journal(int x)\n{", "int journal(int x)\n{\n\t/* A comment. */\n");
    equivalent("comment-3", comment(base()));
    // Without debug information a line is told behind a path only.
    let [ours, theirs] = [base(), comment(base())].map(Kernel::without_debug_information);
    for out in compared("comment-4", &ours, &theirs) {
        assert!(out.contains("functions changed: 1\n  journal\n"), "{out}");
    }
}

#[test]
fn a_number_beside_a_function_name_or_a_path_counts() {
    different("beside-1", base().with("__func__, 2048", "__func__, 2047"), "  journal\n");
    different("beside-2", base().with("__FILE__, 2049", "__FILE__, 2050"), "  journal\n");
    different("beside-3", base().with("4096, 2", "4097, 2"), "  journal\n");
    different("beside-4", base().with("report(&x, 1100", "report(&x, 1101"), "  journal\n");
    different("beside-5", base().with("start_inlined(&x, 9)", "start_inlined(&x, 10)"), "  journal\n");
}

/// The limit: without debug information, a number that is passed right behind a path is taken for a line.
#[test]
fn without_debug_information_a_number_behind_a_path_does_not_count() {
    let changed = |from: &str, to: &str| {
        let [ours, theirs] = [base(), base().with(from, to)].map(Kernel::without_debug_information);
        compared("behind", &ours, &theirs)
    };
    assert_eq!(changed("__FILE__, 2049", "__FILE__, 2050"), ["equivalent"; 3]);
    for out in changed("__FILE__, 2049", "__FILE__, 0x40000") {
        // No source has so many lines.
        assert!(out.contains("  journal\n"), "{out}");
    }
}

/// The limit: so is a number right behind a pointer to a path in data, and a string that is a path of a source.
#[test]
fn a_number_behind_a_path_in_data_does_not_count() {
    equivalent("data-1", base().with("{ __FILE__, __LINE__, 7 }", "{ __FILE__, 5, 7 }"));
    different("data-2", base().with("{ __FILE__, __LINE__, 7 }", "{ __FILE__, __LINE__, 8 }"), "  where\n");
    different("data-3", base().with("{ __FILE__, __LINE__, 7 }", "{ __FILE__, 0x40000, 7 }"), "  where\n");
    equivalent("data-4", base().with("{ __FILE__, __LINE__, 7 }", "{ \"other.c\", __LINE__, 7 }"));
    different("data-5", base().with("{ __FILE__, __LINE__, 7 }", "{ \"other\", __LINE__, 7 }"), "  where\n");
}

/// Of two kernels, lines are told as in the one of which less is known.
#[test]
fn a_kernel_is_the_same_without_its_debug_information() {
    let comment = base().with("int journal(int x)\n{", "int journal(int x)\n{\n\t/* A comment. */\n");
    let folder = folder("one-stripped");
    let ours = base().build(&folder.join("a"));
    for (other, changed) in [(base(), "identical\n"), (comment, "functions changed: 1\n  journal\n")] {
        let theirs = other.without_debug_information().build(&folder.join("b"));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let (_, out) = ksplat(&["kernel-diff", "--names"], &[ours, theirs]);
            assert!(out.contains(changed) && out.matches(": ").count() <= 1, "{out}");
        }
    }
}
