//! Kernels on all cores: `image` says what is to be done of each part, and the parts are done at the same time.

use image::program::{Difference, Digests, Lines, Program, Space};
use image::{Algorithm, Error, Image, LoadedSection, Signature};
use rayon::prelude::*;

mod hunks;
mod offsets;
mod sources;

pub use hunks::{Hunk, Row, hunks};
pub use offsets::differ_in_offsets;
pub use sources::Sources;

/// A kernel signature with what it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<'d> {
    /// The digest of the sections' digests.
    pub signature: Signature,
    /// What is loaded from the file, in header order, each with its digest.
    pub sections: Vec<(LoadedSection<'d>, Signature)>,
}

/// The kernel signature of an image ([`image::kernel_signature`]), its sections hashed at the same time.
pub fn sign(data: &[u8], algorithm: Algorithm) -> Result<Signed<'_>, Error> {
    let sections = image::loaded_sections(data)?;
    // The longest first: `.text` is nearly half of a kernel, and SHA-256 cannot be split.
    let mut order: Vec<usize> = (0..sections.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(sections[*at].bytes.len()));
    let mut digests: Vec<(usize, Signature)> =
        order.into_par_iter().with_max_len(1).map(|at| (at, digest(&sections[at].bytes, algorithm))).collect();
    digests.sort_unstable_by_key(|(at, _)| *at);
    let digests: Vec<Signature> = digests.into_iter().map(|(_, digest)| digest).collect();
    Ok(Signed { signature: algorithm.combine(&digests), sections: sections.into_iter().zip(digests).collect() })
}

/// BLAKE3 is a tree, whose branches may be hashed at the same time.
fn digest(bytes: &[u8], algorithm: Algorithm) -> Signature {
    match algorithm {
        Algorithm::Blake3 => Signature(*blake3::Hasher::new().update_rayon(bytes).finalize().as_bytes()),
        Algorithm::Sha256 => algorithm.digest(bytes),
    }
}

/// A kernel taken apart, with the digests of its parts; parts that do not count have none.
#[derive(Debug)]
pub struct Apart<'d> {
    /// The parts.
    pub program: Program<'d>,
    /// Of each part.
    pub digests: Vec<Option<Digests>>,
}

/// Units or parts that are done in one go.
const CHUNK: usize = 512;

impl<'d> Apart<'d> {
    /// Takes an image apart on all cores. It must have symbols; with its sources, lines that are passed as arguments are known.
    pub fn new(image: &'d Image<'d>, sources: Option<&Sources<'_>>) -> Result<Apart<'d>, Error> {
        let space = Space::new(image)?;
        let lines = sources.map(|sources| |address| sources.lines(address));
        let lines = lines.as_ref().map(|lines| lines as &Lines<'_>);
        let scanned = space.units().par_chunks(CHUNK).map(|units| space.scan(units, lines)).collect();
        let program = Program::new(space, scanned);
        let parts = 0..program.parts().len();
        let firsts: Vec<_> = parts.clone().into_par_iter().map(|at| program.first_digest(at)).collect();
        let digests = parts.into_par_iter().map(|at| program.digest(at, &firsts)).collect();
        Ok(Apart { program, digests })
    }

    /// The normalised signature.
    pub fn signature(&self) -> Signature {
        self.program.signature(&self.digests)
    }

    /// What differs between this kernel and another.
    pub fn difference(&self, other: &Apart<'_>) -> Difference {
        Difference::new((&self.program, &self.digests), (&other.program, &other.digests))
    }
}
