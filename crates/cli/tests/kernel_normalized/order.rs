//! In which order things are linked.

use crate::kernel::{FIRST, base, compared, equivalent};

#[test]
fn the_order_of_functions_does_not_count() {
    let start = FIRST.find("int choose").unwrap();
    let end = FIRST.rfind('}').unwrap() + 2;
    let choose = &FIRST[start..end];
    let moved = base().with(choose, "").with("int first(int x)\n{", &format!("{choose}int first(int x)\n{{"));
    let moved = moved.with("int choose", "extern int limits[4];\nint choose");
    equivalent("moved", moved);
}

#[test]
fn the_order_of_files_does_not_count() {
    let mut other = base();
    other.files.swap(0, 2);
    equivalent("linked", other);
}

#[test]
fn the_order_of_initcalls_counts() {
    let other = base()
        .with("12_34_alpha6: .long first", "12_34_gamma6: .long second")
        .with("13_56_beta6: .long second", "13_56_alpha6: .long first")
        .with("gamma6", "beta6");
    for out in compared("initcalls", &base(), &other) {
        assert!(out.starts_with("different\n"), "{out}");
    }
}

/// Which lock has which key counts, though keys have no content: two locks of one key are one class for lockdep.
#[test]
fn which_key_a_lock_has_counts() {
    let two = |keys: [&str; 2]| {
        let locks = keys.map(|key| format!("lock_init(&x, \"third\", &{key});"));
        let body = format!("static struct key one, two;\n\t{}\n\treturn first(x) * 9;", locks.concat());
        base().with("return first(x) * 9;", &body)
    };
    assert_eq!(compared("keys", &two(["one", "two"]), &two(["one", "two"])), ["identical"; 3]);
    for out in compared("keys-2", &two(["one", "two"]), &two(["one", "one"])) {
        assert!(out.contains("  third\n"), "{out}");
    }
    let numbered = |keys: [&str; 2]| {
        let lock = |key: &str| format!("{{ static struct key __key; lock_init(&x, \"{key}\", &__key); }}");
        base().with("return first(x) * 9;", &format!("{}\n\treturn first(x) * 9;", keys.map(lock).concat()))
    };
    // `__key.1` and `__key.2` change places with the functions that they are in, and say nothing.
    let moved = numbered(["one", "two"]).with("int fourth(int x) { return second(x) - 5; }", "");
    let moved = moved.with("int third(int x)", "int fourth(int x) { return second(x) - 5; }\n\nint third(int x)");
    assert_eq!(compared("keys-3", &numbered(["one", "two"]), &moved), ["equivalent"; 3]);
    for out in compared("keys-4", &numbered(["one", "two"]), &numbered(["two", "one"])) {
        assert!(out.contains("  third\n"), "{out}");
    }
}
