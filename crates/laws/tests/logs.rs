//! Every law holds of every log.

use laws::{ANY, Law, NAME};
use testkit::Log;

/// Holds logs to laws, and says of all that break one how.
fn hold(logs: &[Log], laws: &[Law]) {
    let broken = logs.iter().filter_map(|log| Some(format!("{}: {}", log.name, laws::broken(laws, &log.bytes)?)));
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "{} of {} logs break a law:\n{}", broken.len(), logs.len(), broken.join("\n"));
}

/// Our own logs and the labelled ones.
fn all(test: &str) -> Vec<Log> {
    [testkit::logs(), testkit::labelled_logs(test)].concat()
}

#[test]
fn laws_of_any_input_hold_of_logs() {
    let logs = all("laws_of_any_input_hold_of_logs");
    ANY.iter().for_each(|laws| hold(&logs, laws));
}

#[test]
fn what_varies_names_nothing() {
    hold(&all("what_varies_names_nothing"), NAME);
}
