//! Laws of captures in any form.

use ksplat::trace::{Console, Layer};

use crate::{ensure, shown};

/// Every place of the console text is one of the capture. They come in order, save where a form stores them in another.
pub(crate) fn places_are_in_the_capture(capture: &[u8]) -> Result<(), String> {
    let console = Console::read(capture);
    let reorders = console.format().iter().any(|layer| matches!(layer, Layer::Kmsg | Layer::Pstore));
    let mut last = 0;
    for at in 0..=console.text().len() {
        let place = console.offset(at);
        ensure!(place <= capture.len(), "{at} is at {place} of {}", capture.len());
        ensure!(reorders || last <= place, "{} is at {last}, {at} at {place}: {:?}", at - 1, console.format());
        last = place;
    }
    ensure!(console.offset(usize::MAX) <= capture.len(), "what is behind the text is behind the capture");
    if console.format().is_empty() {
        ensure!(console.text().len() <= capture.len(), "a plain console grows");
    }
    Ok(())
}

/// What was read is plain: nothing is peeled twice. (Peeling stops at some depth, so that a hostile capture ends.)
pub(crate) fn console_text_is_read_once(capture: &[u8]) -> Result<(), String> {
    let console = Console::read(capture);
    if console.format().is_empty() {
        let again = Console::read(console.text());
        ensure!(again.text() == console.text(), "{} is read again", shown(console.text()));
    }
    Ok(())
}

/// Offsets of reports lie in the capture, and in order.
pub(crate) fn reports_stand_in_the_capture(capture: &[u8]) -> Result<(), String> {
    let mut wrong = None;
    let mut count = 0;
    let told = ksplat::reports(capture, |found| {
        let span = found.span;
        let fits = span.start <= span.skip && span.skip <= span.end && span.end <= capture.len();
        let region = (span.start..=capture.len()).contains(&span.region_end);
        if !fits || !region || found.index != count {
            wrong.get_or_insert(format!("report {} of {}: {span:?} of {}", found.index, count, capture.len()));
        }
        count += 1;
    });
    ensure!(told == count, "{told} reports are told, {count} were shown");
    wrong.map_or(Ok(()), Err)
}
