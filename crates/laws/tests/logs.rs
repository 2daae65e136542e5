//! Every law holds of every log.

use laws::{CAPTURE, DECODE, Law, STREAM, TEXT};
use testkit::Log;

/// Holds logs to laws, and says of all that break one how.
fn hold(logs: &[Log], laws: &[Law]) {
    let broken = logs.iter().filter_map(|log| Some(format!("{}: {}", log.name, laws::broken(laws, &log.bytes)?)));
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "{} of {} logs break a law:\n{}", broken.len(), logs.len(), broken.join("\n"));
}

#[test]
fn of_our_own_logs() {
    let logs = testkit::logs();
    [TEXT, CAPTURE, STREAM, DECODE].iter().for_each(|laws| hold(&logs, laws));
}

#[test]
fn of_the_labelled_logs() {
    let logs = testkit::labelled_logs("laws::of_the_labelled_logs");
    [TEXT, CAPTURE, STREAM, DECODE].iter().for_each(|laws| hold(&logs, laws));
}
