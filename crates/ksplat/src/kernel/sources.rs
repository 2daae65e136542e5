//! The source lines of one kernel or module.

use image::{Image, Kind, LinkAddr};
use symbolize::Symbolizer;

/// What the debug information of an image says of its instructions.
pub struct Sources<'i> {
    symbolizer: Symbolizer<'i>,
    module: Option<&'static str>,
}

/// The name under which a module is asked.
const MODULE: &str = "module";

impl<'i> Sources<'i> {
    /// Of an image that has debug information. It is read where it is asked for, and then kept.
    pub fn of(image: &'i Image<'i>) -> Option<Sources<'i>> {
        image.section_bytes(".debug_info")?;
        Some(match image.kind() {
            Kind::Kernel => Sources { symbolizer: Symbolizer::new(Some(image), []), module: None },
            Kind::Module => Sources { symbolizer: Symbolizer::new(None, [(MODULE, image)]), module: Some(MODULE) },
        })
    }

    /// The lines that an instruction stands for: its own, and those of the calls that it was inlined through.
    pub fn lines(&self, address: LinkAddr) -> Vec<u32> {
        self.symbolizer.lines(self.module, address)
    }

    /// The source line of an instruction: `fs/read_write.c:582`.
    pub fn place(&self, address: LinkAddr) -> Option<String> {
        let resolution = self.symbolizer.resolve_address(self.module, address, true);
        let call = resolution.calls.first().filter(|call| call.file.is_some())?;
        Some(call.place().to_string())
    }
}
