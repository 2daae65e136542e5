//! Frames of synthetic kernels and modules: each address has the chain that it was made with.

use image::Image;
use symbolize::{Call, KaslrOffset, Miss, Paths, Pick, Resolution, RuntimeAddr, Symbolizer};
use testkit::{Function, Inline, Vmlinux};
use trace::Frame;

fn functions() -> Vec<Function> {
    let count = Inline::new("node_count", "include/linux/node.h", 8).range(0x18..0x1c).called_at(22);
    let link = Inline::new("node_link", "lib/tree.h", 20).range(0x14..0x20).row(0x1c, 23).called_at(32).inlined(count);
    let insert = Inline::new("insert", "lib/tree.c", 30)
        .range(0x10..0x24)
        .range(0x44..0x48)
        .called_at(43)
        .row(0x20, 35)
        .inlined(link);
    let tree_insert = Function::new("tree_insert", 0x40).file("lib/tree.c").line(40);
    vec![
        tree_insert.inlined(insert).row(0x30, 47).cold(0x11).calls("panic", 0x4a),
        Function::new("show", 0x20).file("lib/tree.c").line(60).local().row(0x8, 61),
        Function::new("panic", 0x30).file("kernel/panic.c").line(170).calls("show", 0x15).calls("show", 0x20),
        Function::new("show", 0x33).file("kernel/panic.c").line(20).local().row(0x9, 22),
        Function::new("twin", 0x20).file("lib/a.c").line(5).local(),
        Function::new("twin", 0x20).file("lib/b.c").line(7).local(),
        Function::new("walk.isra.0", 0x30).file("lib/tree.c").line(70).local().row(0x20, 74),
        Function::new("move", 0x25).file("lib/move.c").line(3).alias("__move").row(0x10, 4),
        Function::new("entry", 0x40).file("arch/entry.S").line(100).undescribed().label("entry_after", 0x2c),
        Function::new("tree_init", 0x20).file("lib/tree.c").line(200).section(".init.text").calls("panic", 0x10),
        Function::new("tree_exit", 0x20).file("lib/tree.c").line(220).section(".exit.text").row(0x10, 221),
    ]
}

fn filled(image: Vmlinux) -> Vmlinux {
    functions().into_iter().fold(image.build_id(&[0x3b; 20]).object("counter", 8), Vmlinux::function)
}

/// Asks for one frame of an image that is both the kernel and the module `tree`.
fn resolve(bytes: &[u8], frame: Frame<'_>, check: impl FnOnce(Resolution<'_>)) {
    let image = Image::parse(bytes).expect("a good image");
    check(Symbolizer::new(Some(&image), [("tree", &image)]).resolve(&frame));
}

fn parsed(frame: &str) -> Frame<'_> {
    let (token, module) = frame.split_once(' ').map_or((frame, None), |(token, module)| (token, Some(module)));
    let (function, numbers) = token.split_once("+0x").expect("func+0xoff");
    let (offset, size) = numbers.split_once("/0x").expect("off/0xsize");
    let hex = |digits| u64::from_str_radix(digits, 16).expect("hex digits");
    let module = module.map(|module| module.trim_matches(['[', ']']));
    Frame { function, offset: hex(offset), size: hex(size), module, reliable: true, ..Frame::default() }
}

fn lines(calls: &[Call<'_>]) -> Vec<(String, String, u32, bool)> {
    let line = |call: &Call<'_>| {
        let name = call.function.split('.').next().unwrap_or_default().to_owned();
        (name, call.file.as_deref().unwrap_or_default().to_owned(), call.line.unwrap_or(0), call.inlined)
    };
    calls.iter().map(line).collect()
}

#[test]
fn every_address_has_its_chain() {
    let kernel = || filled(Vmlinux::new());
    let module = || filled(Vmlinux::module("tree"));
    let samples = [
        kernel(),
        kernel().compressed(),
        kernel().leftover_relocations(),
        kernel().prefixes(),
        kernel().without_aranges(),
        kernel().build_directory("/build/linux-6.1/debian/build/amd64"),
        module(),
        module().compressed(),
        module().without_aranges(),
    ];
    let mut asked = 0;
    for sample in &samples {
        let bytes = sample.write();
        let image = Image::parse(&bytes).unwrap();
        let symbolizer = Symbolizer::new(Some(&image), [("tree", &image)]);
        for name in ["tree_insert", "panic", "walk.isra.0", "move", "entry", "tree_init", "tree_exit"] {
            // A label ends the symbol before it.
            let size = sample.symbol(name).size.min(sample.symbol(name).kernel_size);
            for offset in 1..=size {
                let text = sample.frame(name, offset);
                let frame = parsed(&text);
                let expected = |offset| -> Vec<_> {
                    let chain = sample.chain(name, offset).into_iter();
                    chain.map(|call| (call.function, call.file, call.line, call.inlined)).collect()
                };
                assert_eq!(lines(&symbolizer.resolve(&frame).calls), expected(offset - 1), "{text}");
                if offset < size {
                    let exact = Frame { exact: true, ..frame };
                    assert_eq!(lines(&symbolizer.resolve(&exact).calls), expected(offset), "{text}, exact");
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 2000);
}

#[test]
fn a_cold_part_is_a_function_of_its_own_name() {
    let sample = filled(Vmlinux::new());
    let text = sample.frame("tree_insert.cold", 0x0a);
    resolve(&sample.write(), parsed(&text), |found| {
        assert_eq!(found.calls.last().unwrap().function, "tree_insert.cold");
        let chain = sample.chain("tree_insert", 0x49);
        assert_eq!(found.calls[0].line, Some(chain[0].line));
    });
}

#[test]
fn prepared_frames_and_single_ones_are_the_same() {
    let sample = filled(Vmlinux::new());
    let bytes = sample.write();
    let image = Image::parse(&bytes).unwrap();
    let texts: Vec<String> = ["tree_insert", "show", "entry_after", "panic"].map(|name| sample.frame(name, 4)).into();
    let frames: Vec<Frame<'_>> = texts.iter().map(|text| parsed(text)).collect();
    let (prepared, single) = (Symbolizer::new(Some(&image), []), Symbolizer::new(Some(&image), []));
    prepared.prepare(&frames);
    for frame in &frames {
        assert_eq!(prepared.resolve(frame), single.resolve(frame));
        assert!(single.resolve(frame).miss.is_none());
    }
}

#[test]
fn the_size_decides_among_equal_names() {
    let sample = filled(Vmlinux::new());
    let shows: Vec<u64> =
        sample.symbols().iter().filter(|symbol| symbol.name == "show").map(|symbol| symbol.kernel_size).collect();
    let files: Vec<String> = shows
        .iter()
        .map(|size| {
            let mut file = String::new();
            resolve(&sample.write(), Frame { function: "show", offset: 4, size: *size, ..Frame::default() }, |found| {
                assert_eq!((found.pick, found.same_name), (Pick::SizeAmongMany, 2));
                file = found.calls[0].file.as_deref().unwrap().to_owned();
            });
            file
        })
        .collect();
    assert_eq!(files, ["lib/tree.c", "kernel/panic.c"]);
}

#[test]
fn nothing_is_guessed() {
    let sample = filled(Vmlinux::new());
    let bytes = sample.write();
    resolve(&bytes, parsed(&sample.frame("twin", 4)), |found| {
        assert_eq!((found.miss, found.pick), (Some(Miss::Ambiguous(2)), Pick::None));
        assert!(found.calls.is_empty());
        let files: Vec<_> = found.candidates.iter().map(|one| one.calls.as_ref().unwrap()[0].file.clone()).collect();
        assert_eq!(files, [Some("lib/a.c".into()), Some("lib/b.c".into())]);
    });
    resolve(&bytes, parsed("show+0x4/0x999"), |found| {
        assert_eq!(found.miss.unwrap().to_string(), "size 0x999 differs from the image's 0x20, 0x40");
        assert_eq!(found.candidates.len(), 2);
    });
    resolve(&bytes, Frame { function: "show", offset: 4, ..Frame::default() }, |found| {
        assert_eq!(found.miss, Some(Miss::Ambiguous(2)));
    });
    resolve(&bytes, Frame { function: "panic", offset: 4, ..Frame::default() }, |found| {
        assert_eq!((found.miss, found.pick), (None, Pick::OnlyName));
    });
}

#[test]
fn each_miss_says_why() {
    let sample = filled(Vmlinux::new());
    let bytes = sample.write();
    let panic = sample.frame("panic", 4);
    let beyond = sample.frame("panic", 0x31);
    let none = Frame::default();
    let cases = [
        (Frame { module: Some("other"), ..parsed(&panic) }, "no image of the module found"),
        (Frame { build_id: Some("00ff"), ..parsed(&panic) }, "build-id differs from the image's"),
        (Frame { address: Some(0xffff_ffff_8100_0000), ..none }, "bare address"),
        (parsed("nobody+0x1/0x10"), "no such symbol"),
        (parsed("counter+0x0/0x8"), "a variable, not code"),
        (parsed(&beyond), "offset beyond the function's size"),
    ];
    for (frame, phrase) in cases {
        resolve(&bytes, frame, |found| assert_eq!(found.miss.unwrap().to_string(), phrase, "{frame:?}"));
    }
    let own = "3b".repeat(20);
    resolve(&bytes, Frame { build_id: Some(&own), ..parsed(&panic) }, |found| assert_eq!(found.miss, None));
    resolve(&sample.without_dwarf().write(), parsed(&panic), |found| assert_eq!(found.miss, Some(Miss::NoDebugInfo)));
    assert_eq!(Symbolizer::new(None, []).resolve(&parsed(&panic)).miss, Some(Miss::NoVmlinux));
}

#[test]
fn the_end_of_padding_is_the_function_behind_it() {
    let sample = filled(Vmlinux::new()).prefixes();
    let bytes = sample.write();
    resolve(&bytes, parsed("__pfx_panic+0x10/0x10"), |found| {
        assert_eq!(lines(&found.calls), [("panic".into(), "kernel/panic.c".into(), 170, false)]);
    });
    resolve(&bytes, parsed("__pfx_panic+0x8/0x10"), |found| assert_eq!(found.miss, Some(Miss::Padding)));
}

#[test]
fn module_names_match_with_dashes_and_underscores() {
    let sample = filled(Vmlinux::module("my_tree"));
    let bytes = sample.write();
    let image = Image::parse(&bytes).unwrap();
    let symbolizer = Symbolizer::new(None, [("my-tree", &image)]);
    assert_eq!(symbolizer.resolve(&parsed(&sample.frame("panic", 4))).miss, None);
}

#[test]
fn addresses_resolve_once_the_kernel_offset_is_known() {
    let sample = filled(Vmlinux::new());
    let bytes = sample.write();
    let image = Image::parse(&bytes).unwrap();
    let symbolizer = Symbolizer::new(Some(&image), []);
    let by = KaslrOffset(0x8c0_0000);
    let at = RuntimeAddr(sample.symbol("panic").address + 0x15 + by.0);
    let place = symbolizer.link_addr(at, by).unwrap();
    let found = symbolizer.resolve_address(None, place, false);
    assert_eq!((found.pick, found.calls[0].line), (Pick::Address, Some(sample.chain("panic", 0x14)[0].line)));
    assert_eq!(found.calls[0].function, "panic");
    assert_eq!(symbolizer.link_addr(RuntimeAddr(0x1000), by), None);
    assert_eq!(symbolizer.link_addr(at, KaslrOffset(0)), None);
}

#[test]
fn paths_can_be_kept_whole() {
    let sample = filled(Vmlinux::new());
    let bytes = sample.write();
    let image = Image::parse(&bytes).unwrap();
    let symbolizer = Symbolizer::with_paths(Some(&image), [], &Paths::Full);
    let found = symbolizer.resolve(&parsed(&sample.frame("panic", 4)));
    assert_eq!(found.calls[0].place().to_string(), "/usr/src/linux/kernel/panic.c:170");
}

#[test]
fn threads_share_a_symbolizer() {
    let sample = filled(Vmlinux::new());
    let bytes = sample.write();
    let image = Image::parse(&bytes).unwrap();
    let symbolizer = Symbolizer::new(Some(&image), []);
    let text = sample.frame("tree_insert", 0x19);
    let alone = symbolizer.resolve(&parsed(&text));
    std::thread::scope(|scope| {
        let ask = || scope.spawn(|| symbolizer.resolve(&parsed(&text)));
        let asked: Vec<_> = (0..8).map(|_| ask()).collect();
        assert!(asked.into_iter().all(|one| one.join().unwrap() == alone));
    });
}

#[test]
fn damaged_debug_information_never_panics() {
    let mut answered = 0;
    for sample in [filled(Vmlinux::new()), filled(Vmlinux::module("tree"))] {
        let whole = sample.write();
        let texts: Vec<String> =
            ["tree_insert", "walk.isra.0", "entry", "tree_init"].map(|name| sample.frame(name, 0x1a)).into();
        let mut seed = 7_u64;
        for _ in 0..3000 {
            let mut bytes = whole.clone();
            for _ in 0..6 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (seed >> 24) as usize % bytes.len();
                bytes[at] = (seed >> 56) as u8;
            }
            let Ok(image) = Image::parse(&bytes) else { continue };
            let symbolizer = Symbolizer::new(Some(&image), [("tree", &image)]);
            for text in &texts {
                let found = symbolizer.resolve(&parsed(text));
                assert_eq!(found.calls.is_empty(), found.miss.is_some());
                answered += usize::from(found.miss.is_none());
            }
        }
    }
    assert!(answered > 5000, "only {answered} frames were answered");
}
