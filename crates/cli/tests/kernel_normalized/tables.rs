//! Tables whose entries count, and their order does not.

use crate::kernel::{base, compared, different, equivalent};

#[test]
fn the_line_of_a_debug_message_does_not_count() {
    let comment = base().with("static struct _ddebug", "/*\n * A comment.\n */\nstatic struct _ddebug");
    equivalent("ddebug", comment.with("__UNIQUE_ID_ddebug100", "__UNIQUE_ID_ddebug207"));
    different("ddebug-flags", base().with("__LINE__, 0, 1 }", "__LINE__, 0, 3 }"), "  __UNIQUE_ID_ddebug\n");
    different("ddebug-class", base().with("__LINE__, 0, 1 }", "__LINE__, 5, 1 }"), "  __UNIQUE_ID_ddebug\n");
    // Those of net_dbg_ratelimited() and the like have another name.
    let local = base().with("__UNIQUE_ID_ddebug100", "descriptor");
    let moved = local.clone().with("static struct _ddebug", "/*\n * A comment.\n */\nstatic struct _ddebug");
    assert_eq!(compared("ddebug-local", &local, &moved), ["equivalent"; 3]);
    different("ddebug-text", base().with("third says", "third said"), "  __UNIQUE_ID_ddebug\n");
}

#[test]
fn the_order_of_exceptions_does_not_count() {
    let entries = [".long third - .\\n.long fourth - .\\n.long 1", ".long fourth - .\\n.long third + 2 - .\\n.long 2"];
    equivalent("extable", base().swapped(entries[0], entries[1]));
    different("extable-type", base().with(entries[1], &entries[1].replace(".long 2", ".long 3")), "__ex_table\n");
    different("extable-fixup", base().with(entries[1], &entries[1].replace("third + 2", "third + 3")), "__ex_table\n");
}

#[test]
fn the_order_of_unwinding_does_not_count() {
    let said = [".short 8, 0\\n.byte 5, 0\\n", ".short 16, -16\\n.byte 5, 1\\n"];
    let ip = ".long third - .\\n.long fourth - .\\n\"\n    \".section .orc_unwind,";
    let other_ip = ".long fourth - .\\n.long third - .\\n\"\n    \".section .orc_unwind,";
    equivalent("orc", base().with(ip, other_ip).swapped(said[0], said[1]));
    different("orc-places", base().with(ip, other_ip), "unwind data");
    different("orc-says", base().with(".short 16, -16", ".short 24, -16"), "unwind data");
}

#[test]
fn the_order_of_alternatives_does_not_count() {
    let [third, fourth] = [
        ".long third - .\\n.long 771f - .\\n.word 11\\n.byte 1, 1",
        ".long fourth - .\\n.long 772f - .\\n.word 12\\n.byte 1, 1",
    ];
    equivalent("alternatives", base().swapped(third, fourth));
    different("alternatives-2", base().with(".word 12", ".word 13"), ".altinstructions\n");
    different("alternatives-3", base().with("772: nop", "772: cld"), ".altinstructions\n");
}

#[test]
fn the_order_of_jump_labels_does_not_count() {
    let [third, fourth] = [
        ".long third - .\\n.long third + 4 - .\\n.quad counter - .",
        ".long fourth - .\\n.long fourth + 4 - .\\n.quad limits - .",
    ];
    equivalent("labels", base().swapped(third, fourth));
    different("labels-2", base().with("third + 4 - .", "third + 5 - ."), "__jump_table\n");
}
