#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| laws::fuzz("capture-quoted-printable", input));
