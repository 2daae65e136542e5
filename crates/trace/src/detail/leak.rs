//! Memory leaks (mm/kmemleak.c).

use schemars::JsonSchema;
use serde::Serialize;

use super::by::By;
use super::cursor::{Cursor, text};
use super::value::Hex;

/// An object that nothing refers to any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Leak<'t> {
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Hex>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The task that allocated it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<By<'t>>,
    /// When it was allocated, in jiffies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jiffies: Option<u64>,
    /// How old it was at the report, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
}

impl<'t> Leak<'t> {
    /// Reads `unreferenced object 0xffff888012345678 (size 64):`.
    pub(super) fn of_headline(line: &'t [u8]) -> Option<Leak<'t>> {
        let mut line = Cursor(line);
        line.skip("unreferenced object")?;
        let _ = line.skip(" (percpu)");
        let _ = line.skip(" ");
        let address = line.hex();
        Some(Leak { address, size: line.number_behind("(size "), ..Leak::default() })
    }

    /// Takes `comm "sh", pid 65, jiffies 4294944410 (age 14.580s)`; newer kernels print no age.
    pub(super) fn read(&mut self, line: &'t [u8]) -> Option<()> {
        let mut line = Cursor(line);
        line.skip("comm \"")?;
        let comm = line.until("\", pid ")?;
        self.by = Some(By { comm: Some(text(comm)), pid: line.number(), ..By::default() });
        self.jiffies = line.number_behind("jiffies ");
        self.age_ms = line.number_behind("(age ").and_then(|seconds: u64| {
            line.skip(".")?;
            let millis: u64 = line.number().filter(|millis| *millis < 1000)?;
            seconds.checked_mul(1000)?.checked_add(millis)
        });
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaks() {
        let mut leak = Leak::of_headline(b"unreferenced object 0xffff888012345678 (size 64):").expect("a leak");
        leak.read(b"comm \"my task\", pid 65, jiffies 4294944410 (age 14.580s)").expect("its task");
        assert_eq!(
            serde_json::to_string(&leak).expect("it is data"),
            r#"{"address":"0xffff888012345678","size":64,"by":{"comm":"my task","pid":65},"jiffies":4294944410,"age_ms":14580}"#
        );
    }
}
