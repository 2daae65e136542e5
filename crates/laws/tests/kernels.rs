//! The laws of kernel images, held to real modules.

use std::fs;

#[test]
fn the_labs_modules_break_no_law() {
    let modules = testkit::files(&testkit::workspace_root().join("testdata/lab/ko"));
    assert!(!modules.is_empty());
    for module in modules {
        laws::hold(laws::KERNEL, &fs::read(module).expect("a file"));
    }
}
