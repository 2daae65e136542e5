//! Laws that hold on a real vmlinux, named by `KSPLAT_VMLINUX`.

use image::{Fit, Image};
use symbolize::{Miss, Pick, Symbolizer};
use trace::Frame;

#[test]
fn every_function_of_a_real_kernel_is_found_by_its_printed_form() {
    let Some(path) = testkit::vmlinux_or_skip("every_function_of_a_real_kernel_is_found_by_its_printed_form") else {
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let image = Image::parse(&bytes).unwrap();
    let symbolizer = Symbolizer::new(Some(&image), []);
    assert!(image.build_id().is_some() && image.banner().is_some_and(|banner| banner.starts_with("Linux version ")));

    // One address every 4 KiB of the text: what it is by address, and again as the kernel would print it.
    let (mut asked, mut equal, mut ambiguous) = (0, 0, 0);
    let text = image.sections().find(|(_, name, ..)| *name == ".text").unwrap();
    let first = image.symbols_named(&["_stext"])[0][0].flat;
    for flat in (first..first + text.2.min(64 << 20)).step_by(4096) {
        let Some(place) = image.link_addr(flat) else { break };
        let Some(symbol) = image.symbols_at(&[flat])[0] else { continue };
        let by_address = symbolizer.resolve_address(None, place, true);
        let (offset, size) = (flat - symbol.flat, symbol.size.expected());
        let frame = Frame { function: symbol.name, offset, size, exact: true, reliable: true, ..Frame::default() };
        let by_name = symbolizer.resolve(&frame);
        asked += 1;
        match &by_name.miss {
            Some(Miss::Ambiguous(_)) => {
                assert!(
                    by_name.candidates.iter().any(|one| one.symbol.flat == symbol.flat && one.fit == Some(Fit::Exact))
                );
                ambiguous += 1;
            }
            _ => {
                assert_eq!(by_name.calls, by_address.calls, "{frame:?}");
                equal += usize::from(by_name.pick != Pick::None);
            }
        }
    }
    assert!(asked > 1000 && ambiguous * 50 < asked, "{ambiguous} of {asked} frames are ambiguous");
    assert!(equal * 10 > asked * 9, "{equal} of {asked} frames have a chain");
}
