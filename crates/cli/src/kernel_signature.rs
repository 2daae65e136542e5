//! `ksplat kernel-signature`: one line a file, like `b3sum`.

use std::io::{self, Write};

use ksplat::image::{self, kernel_signature};
use rayon::prelude::*;

use crate::args::{Algorithm, KernelSignature};
use crate::mmap::map;
use crate::output::{Outcome, Output, printable, reason};

/// Runs the command.
pub fn run(command: &KernelSignature, output: &Output) -> io::Result<Outcome> {
    let algorithm = match command.algorithm {
        Algorithm::Blake3 => image::Algorithm::Blake3,
        Algorithm::Sha256 => image::Algorithm::Sha256,
    };
    let signatures: Vec<Result<_, String>> = command
        .images
        .par_iter()
        .map(|path| {
            let bytes = map(path).map_err(|error| reason(&error))?;
            kernel_signature(bytes, algorithm).map_err(|error| error.to_string())
        })
        .collect();
    let mut found = false;
    let mut results = output.results();
    for (path, signature) in command.images.iter().zip(signatures) {
        match signature {
            Ok(signature) => {
                found = true;
                writeln!(results, "{signature}  {}", printable(&path.to_string_lossy()))?;
            }
            Err(error) => output.error(path, &error),
        }
    }
    results.flush()?;
    Ok(output.outcome(found))
}
