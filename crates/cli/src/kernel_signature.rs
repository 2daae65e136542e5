//! `ksplat kernel-signature`: one line a file, like `b3sum`.

mod check;
mod line;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ksplat::image::{self, Image, Signature, set_signature};
use ksplat::kernel::{self, Apart, Sources, sign};
use rayon::prelude::*;
use serde::Serialize;

use crate::args::{Format, Shared};
use crate::kernel_file::{KernelFile, kernel_files, module_files};
use crate::output::{Outcome, Output, printable};

/// The kernels to sign.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ksplat kernel-signature vmlinux\n  \
                  ksplat kernel-signature --algorithm sha256 vmlinux    # as syzkaller prints it\n  \
                  ksplat kernel-signature build-a/ build-b/ > sums; ksplat kernel-signature --check sums\n  \
                  ksplat kernel-signature --with-modules /lib/modules/$(uname -r) /boot/vmlinuz-$(uname -r)\n  \
                  ksplat kernel-signature --sections vmlinux.zst\n  \
                  ksplat kernel-signature --normalized a/vmlinux b/vmlinux  # equal although lines moved?\n\n\
                  Exit status: 0 all were signed (or are as --check says), 1 a signature of --check is another one \
                  or no kernel was found, 2 an error happened.")]
pub struct KernelSignature {
    /// The digest; sha256 is what a syzkaller log shows as `kernel signature:`
    #[arg(long, value_enum, default_value_t)]
    algorithm: Algorithm,
    /// Ignore what does not change how the kernel behaves: lines, paths, build-ids, versions, addresses (needs symbols)
    #[arg(long, conflicts_with_all = ["sections", "algorithm"])]
    normalized: bool,
    /// One signature for each kernel together with all modules below DIR
    #[arg(long, value_name = "DIR", conflicts_with = "sections")]
    with_modules: Option<PathBuf>,
    /// The digest of each section as well
    #[arg(long)]
    sections: bool,
    /// Read signatures and paths from the files, and check them
    #[arg(long, conflicts_with = "sections")]
    check: bool,
    /// Kernels and modules (.gz .xz .zst .bz2 and bzImage are unpacked), or directories of them; standard input for `-`
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// Digests of kernel signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Algorithm {
    /// BLAKE3.
    #[default]
    Blake3,
    /// SHA-256.
    Sha256,
}

/// Files that are signed at the same time; what compressed ones unpack to is held meanwhile.
const BATCH: usize = 64;

/// Runs the command.
pub fn run(command: &KernelSignature, shared: &Shared, output: &Output) -> io::Result<Outcome> {
    let signer = Signer::new(command, output);
    if command.check {
        return check::run(&command.paths, &signer, shared, output);
    }
    let mut found = false;
    let mut results = output.results();
    for batch in kernel_files(&command.paths, output).chunks(BATCH) {
        let signed: Vec<_> = batch.par_iter().map(|path| signer.sign(path)).collect();
        for (path, signed) in batch.iter().zip(signed) {
            match signed {
                Ok(signed) => {
                    found = true;
                    match shared.format {
                        Format::Text => text(path, &signed, &mut results)?,
                        Format::Ndjson => ndjson(path, &signed, command, &mut results)?,
                    }
                }
                Err(error) => output.error(path, &error),
            }
        }
    }
    results.flush()?;
    Ok(output.finish(found, "no kernel found", shared.quiet))
}

/// How files are signed.
struct Signer {
    algorithm: image::Algorithm,
    with_sections: bool,
    is_normalized: bool,
    /// Names and signatures, where the kernels are signed together with modules.
    modules: Option<Vec<(String, Signature)>>,
}

/// A signature, and the sections' where they are wanted: name, bytes, digest.
struct Signed {
    signature: Signature,
    sections: Vec<(String, usize, Signature)>,
}

impl Signer {
    fn new(command: &KernelSignature, output: &Output) -> Signer {
        let algorithm = match command.algorithm {
            Algorithm::Blake3 => image::Algorithm::Blake3,
            Algorithm::Sha256 => image::Algorithm::Sha256,
        };
        let mut signer =
            Signer { algorithm, with_sections: command.sections, is_normalized: command.normalized, modules: None };
        signer.modules = command.with_modules.as_deref().map(|directory| signer.modules_below(directory, output));
        signer
    }

    fn modules_below(&self, directory: &Path, output: &Output) -> Vec<(String, Signature)> {
        let files = module_files(directory, output);
        if files.is_empty() {
            output.error(directory, &"no modules below it");
        }
        let sign = |(name, path): (String, PathBuf)| match self.sign(&path) {
            Ok(signed) => Some((name, signed.signature)),
            Err(error) => {
                output.error(&path, &error);
                None
            }
        };
        files.into_par_iter().filter_map(sign).collect()
    }

    fn sign(&self, path: &Path) -> Result<Signed, String> {
        let bytes = KernelFile::open(path)?;
        let signed = if self.is_normalized { normalized(&bytes) } else { sign(&bytes, self.algorithm) };
        let signed = signed.map_err(|error| error.to_string())?;
        let signature = match &self.modules {
            None => signed.signature,
            Some(modules) => {
                let modules: Vec<_> = modules.iter().map(|(name, signature)| (name.as_str(), *signature)).collect();
                set_signature(self.algorithm, signed.signature, &modules)
            }
        };
        let sections = if self.with_sections { &signed.sections[..] } else { &[] };
        let sections = sections.iter().map(|(section, digest)| (section.name.to_owned(), section.bytes.len(), *digest));
        Ok(Signed { signature, sections: sections.collect() })
    }
}

fn normalized(bytes: &[u8]) -> Result<kernel::Signed<'_>, image::Error> {
    let image = Image::parse(bytes)?;
    let signature = Apart::new(&image, Sources::of(&image).as_ref())?.signature();
    Ok(kernel::Signed { signature, sections: Vec::new() })
}

fn text(path: &Path, signed: &Signed, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", line::write(&signed.signature, &path.to_string_lossy()))?;
    for (name, size, digest) in &signed.sections {
        writeln!(out, "{digest}    {size:>9}  {}", printable(name))?;
    }
    Ok(())
}

fn ndjson(path: &Path, signed: &Signed, command: &KernelSignature, out: &mut impl Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Record<'r> {
        file: &'r str,
        algorithm: &'r str,
        signature: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        sections: Vec<Section<'r>>,
    }
    #[derive(Serialize)]
    struct Section<'r> {
        name: &'r str,
        size: usize,
        digest: String,
    }
    let section = |(name, size, digest): &'_ (String, usize, Signature)| (name.clone(), *size, digest.to_string());
    let sections: Vec<_> = signed.sections.iter().map(section).collect();
    let record = Record {
        file: &path.to_string_lossy(),
        algorithm: match command.algorithm {
            _ if command.normalized => "normalized",
            Algorithm::Blake3 => "blake3",
            Algorithm::Sha256 => "sha256",
        },
        signature: signed.signature.to_string(),
        sections: sections
            .iter()
            .map(|(name, size, digest)| Section { name, size: *size, digest: digest.clone() })
            .collect(),
    };
    serde_json::to_writer(&mut *out, &record).map_err(io::Error::from)?;
    out.write_all(b"\n")
}
