//! What of a report agrees with an image: synthetic kernels whose calls, sizes and bytes are known.

use image::Image;
use symbolize::proof::{CallCheck, Count, Signs, Standing, check_calls};
use symbolize::{Identity, Mark, Symbolizer};
use testkit::{Function, Vmlinux};
use trace::Frame;

/// `jmp` over so many bytes, from the end of the instruction.
fn jump(by: i32) -> Vec<u8> {
    [&[0xe9][..], &by.to_le_bytes()].concat()
}

fn functions() -> Vec<Function> {
    vec![
        Function::new("leaf", 0x20),
        // Goes on in `leaf`, 0x20 bytes before its own start.
        Function::new("tail", 0x20).code(0x8, &jump(-0x20 - 0xd)),
        Function::new("other", 0x20).local(),
        Function::new("other", 0x30).local(),
        Function::new("through", 0x20).code(0x8, &[0xff, 0xe0]),
        Function::new("__x86_indirect_thunk_rax", 0x20),
        Function::new("root", 0x80)
            .calls("leaf", 0x15)
            .calls("tail", 0x25)
            .calls("through", 0x35)
            .calls("__x86_indirect_thunk_rax", 0x45)
            .code(0x50, &[0xff, 0xd0])
            .code(0x60, &[0x48, 0x31, 0xc0])
            .code(0x70, &[0x0f, 0x0b]),
        Function::new("cold", 0x20).cold(0x10),
        Function::new("caller", 0x20).calls("cold", 0x15),
    ]
}

fn image(kind: Vmlinux) -> Vec<u8> {
    functions().into_iter().fold(kind, Vmlinux::function).write()
}

fn frame(function: &str, offset: u64, size: u64) -> Frame<'_> {
    Frame { function, offset, size, reliable: true, ..Frame::default() }
}

/// Whether `caller` at an offset calls `callee`, in an image of each kind.
fn check(callee: &str, caller: &str, offset: u64, size: u64) -> Option<CallCheck> {
    let [kernel, module] = [Vmlinux::new(), Vmlinux::module("pond")].map(|kind| {
        let is_module = kind.clone().write()[16] == 1;
        let bytes = image(kind);
        let image = Image::parse(&bytes).expect("a good image");
        let symbolizer = Symbolizer::new(Some(&image), [("pond", &image)]);
        let module = is_module.then_some("pond");
        let frames = [frame(callee, 4, 0x20), frame(caller, offset, size)].map(|frame| Frame { module, ..frame });
        // The frames outlive nothing: a check is a plain value.
        let symbolizer: &Symbolizer<'_> = &symbolizer;
        check_calls(&frames, |_| symbolizer)[1]
    });
    assert_eq!(kernel, module, "{caller}+{offset:#x} over {callee}");
    kernel
}

#[test]
fn a_call_agrees_where_it_goes_to_the_function_below() {
    let (agrees, differs, unknown) = (Some(CallCheck::Agrees), Some(CallCheck::Differs), Some(CallCheck::Unknown));
    for (callee, offset, want) in [
        ("leaf", 0x15, agrees),
        ("other", 0x15, differs),
        ("leaf", 0x25, agrees),
        ("other", 0x25, differs),
        // What is jumped to by a register is not in the file.
        ("leaf", 0x35, unknown),
        ("leaf", 0x45, unknown),
        ("leaf", 0x52, unknown),
        ("leaf", 0x63, Some(CallCheck::NoCall)),
        ("leaf", 0x72, unknown),
        // The start of a function is no return address.
        ("leaf", 0, None),
    ] {
        assert_eq!(check(callee, "root", offset, 0x80), want, "{callee} {offset:#x}");
    }
    assert_eq!(check("cold.cold", "caller", 0x15, 0x20), agrees, "a cold part is its function");
    assert_eq!(check("leaf", "root", 0x15, 0x99), None, "no function of that size");
}

#[test]
fn doubted_frames_are_held_against_what_is_listed_below_them() {
    let bytes = image(Vmlinux::new());
    let image = Image::parse(&bytes).expect("a good image");
    let symbolizer = Symbolizer::new(Some(&image), []);
    let doubted = |frame| Frame { reliable: false, ..frame };
    let frames = [
        frame("leaf", 4, 0x20),
        doubted(frame("root", 0x63, 0x80)),
        doubted(frame("other", 0x8, 0x20)),
        frame("root", 0x15, 0x80),
        Frame { exact: true, ..frame("root", 0x15, 0x80) },
    ];
    let checks = check_calls(&frames, |_| &symbolizer);
    let no_call = Some(CallCheck::NoCall);
    // `other` starts with a `nop` where the tracer may put a call.
    assert_eq!(checks[..2], [None, no_call]);
    assert_eq!(checks[3..], [Some(CallCheck::Agrees), None]);
}

/// Two static functions of one name and size, each called in its own file.
fn twins() -> Vec<Function> {
    let of = |file: &str, callee: &str, user: &str| {
        let twin = Function::new("twin", 0x20).file(file).local();
        [twin.calls(callee, 0x15), Function::new(user, 0x20).file(file).calls("twin", 0x15)]
    };
    let targets = [Function::new("leaf", 0x20), Function::new("stop", 0x20)];
    targets.into_iter().chain(of("a.c", "leaf", "user_a")).chain(of("b.c", "stop", "user_b")).collect()
}

#[test]
fn calls_tell_equal_functions_apart() {
    for kind in [Vmlinux::new(), Vmlinux::module("pond")] {
        let bytes = twins().into_iter().fold(kind, Vmlinux::function).write();
        let image = Image::parse(&bytes).expect("a good image");
        let module = (image.kind() == image::Kind::Module).then_some("pond");
        let symbolizer = match module {
            None => Symbolizer::new(Some(&image), []),
            Some(name) => Symbolizer::new(None, [(name, &image)]),
        };
        let frame = |function, offset, size| Frame { module, ..frame(function, offset, size) };
        let file = |below: Option<Frame<'_>>, frame: Frame<'_>, above: Option<Frame<'_>>| {
            let found = symbolizer.resolve_between(&frame, below.as_ref(), above.as_ref());
            let file = found.calls.first().map(|call| call.file.as_deref().unwrap_or_default().to_owned());
            file.ok_or(found.candidates.len())
        };
        let twin = frame("twin", 0x15, 0x20);
        let called = |name| Some(frame(name, 0x4, 0x20));
        let caller = |name| Some(frame(name, 0x15, 0x20));
        assert_eq!(file(called("leaf"), twin, None), Ok("a.c".into()));
        assert_eq!(file(called("stop"), twin, None), Ok("b.c".into()));
        assert_eq!(file(None, Frame { exact: true, ..twin }, caller("user_b")), Ok("b.c".into()));
        assert_eq!(file(called("leaf"), twin, caller("user_a")), Ok("a.c".into()));
        // Strangers, and what says nothing, decide nothing.
        assert_eq!(file(called("user_a"), twin, caller("leaf")), Err(2));
        assert_eq!(file(None, twin, None), Err(2));
        assert_eq!(file(called("leaf"), frame("twin", 0x10, 0x20), None), Err(2));
    }
}

#[test]
fn sizes_and_bytes_are_counted() {
    let bytes = image(Vmlinux::new());
    let image = Image::parse(&bytes).expect("a good image");
    let symbolizer = Symbolizer::new(Some(&image), []);
    let mut signs = Signs::default();
    for (name, size) in [("leaf", 0x20), ("leaf", 0x21), ("other", 0x30), ("nowhere", 0x10), ("leaf", 0)] {
        signs.size(&symbolizer, &frame(name, 1, size));
    }
    assert_eq!(signs.sizes, Count { agree: 2, differ: 2, unknown: 0 });
    // root+0x50: `call *%rax`, then nops up to `xor`, nops, `ud2`.
    let mut code = vec![0x90; 0x20];
    code[0..2].copy_from_slice(&[0xff, 0xd0]);
    code[0x10..0x13].copy_from_slice(&[0x48, 0x31, 0xc0]);
    let at = |code: &[u8]| {
        let mut signs = Signs::default();
        signs.code(&symbolizer, &frame("root", 0x60, 0x80), code, 0x10);
        signs.code
    };
    assert_eq!(at(&code), Count { agree: 29, differ: 0, unknown: 0 });
    // The kernel may rewrite calls and nops, and nothing else.
    code[0..2].copy_from_slice(&[0x90, 0x90]);
    code[5] = 0xcc;
    assert_eq!(at(&code), Count { agree: 27, differ: 0, unknown: 2 });
    code[0x12] = 0xc1;
    assert_eq!(at(&code), Count { agree: 26, differ: 1, unknown: 2 });
}

#[test]
fn only_a_build_id_or_a_version_line_proves_an_image() {
    let count = |agree, differ| Signs { sizes: Count { agree, differ, unknown: 0 }, ..Signs::default() };
    let other = Identity::Other { by: Mark::BuildId, log: "a".into(), image: "b".into() };
    for (identity, signs, want) in [
        (Identity::Same(Mark::BuildId), count(0, 9), Standing::Verified),
        (Identity::Likely, count(9, 0), Standing::Unverified),
        (Identity::Unknown, count(2, 3), Standing::Mismatch),
        (Identity::Unknown, Signs::default(), Standing::Unverified),
        (other, count(9, 0), Standing::Mismatch),
    ] {
        assert_eq!(Standing::of(&identity, &signs), want, "{identity:?}");
    }
}
