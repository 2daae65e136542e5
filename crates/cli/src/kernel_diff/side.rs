//! One of two kernels: its bytes, its parts, its source lines.

use std::path::Path;
use std::sync::OnceLock;

use ksplat::image::{Image, Kind, LinkAddr};
use ksplat::kernel::Apart;
use ksplat::symbolize::Symbolizer;

use crate::kernel_file::KernelFile;

/// A kernel or module.
pub struct Side {
    path: String,
    bytes: &'static [u8],
    image: OnceLock<Result<&'static Image<'static>, String>>,
    symbolizer: OnceLock<Option<Symbolizer<'static>>>,
}

/// A kernel taken apart.
pub type Parts<'d> = Apart<'d>;

/// The name under which a module's debug information is asked.
const MODULE: &str = "module";

impl Side {
    /// Reads a file.
    pub fn open(path: &Path) -> Result<Side, String> {
        let file = KernelFile::open(path)?;
        // Both kernels live as long as the process.
        let bytes: &'static [u8] = match file {
            KernelFile::Mapped(bytes) => bytes,
            KernelFile::Unpacked(bytes) => bytes.leak(),
        };
        let path = path.to_string_lossy().into_owned();
        Ok(Side { path, bytes, image: OnceLock::new(), symbolizer: OnceLock::new() })
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn bytes(&self) -> &'static [u8] {
        self.bytes
    }

    /// Takes it apart; the error says why that cannot be.
    pub fn apart(&self) -> Result<Parts<'static>, String> {
        Apart::new(self.image()?).map_err(|error| error.to_string())
    }

    fn image(&self) -> Result<&'static Image<'static>, String> {
        let parse = || match Image::parse(self.bytes) {
            Ok(image) => Ok(&*Box::leak(Box::new(image))),
            Err(error) => Err(error.to_string()),
        };
        self.image.get_or_init(parse).clone()
    }

    /// The source line of a place, where debug information has one: `fs/read_write.c:582`.
    pub fn place(&self, address: LinkAddr) -> Option<String> {
        let symbolizer = self.symbolizer.get_or_init(|| {
            let image = self.image().ok().filter(|image| image.section_bytes(".debug_info").is_some())?;
            Some(match image.kind() {
                Kind::Kernel => Symbolizer::new(Some(image), []),
                Kind::Module => Symbolizer::new(None, [(MODULE, image)]),
            })
        });
        let symbolizer = symbolizer.as_ref()?;
        let module = self.image().ok().filter(|image| image.kind() == Kind::Module).map(|_| MODULE);
        let resolution = symbolizer.resolve_address(module, address, true);
        let call = resolution.calls.first()?;
        call.file.as_ref()?;
        Some(call.place().to_string())
    }
}
