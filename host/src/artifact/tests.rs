//! Trailers, and the kinds of files.

use super::*;

#[test]
fn the_version_is_the_one_that_is_linked() {
    let locked = include_str!("../../../Cargo.lock")
        .split("[[package]]")
        .find_map(|package| package.split_once("name = \"wasmtime\"\nversion = \""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(version, _)| version);
    assert_eq!(locked, Some(WASMTIME));
}

#[test]
fn a_few_bytes_tell_what_a_file_is() {
    for (start, kind) in [
        (&b""[..], Kind::Empty),
        (b"\0asm\x0d\0\x01\0", Kind::Component),
        (b"\0asm\x01\0\0\0", Kind::CoreModule),
        (b"\0asm", Kind::CoreModule),
        (b"\x7fELF", Kind::Elf),
        (b"\x7fEL", Kind::Other),
        (b"(component)", Kind::Other),
    ] {
        assert_eq!(Kind::from_bytes(start), kind, "{start:?}");
    }
}

#[test]
fn a_trailer_is_read_as_it_was_written() {
    let elf = b"\x7fELF, as far as this test goes";
    let trailer = Trailer {
        format: FORMAT,
        wasmtime: WASMTIME.to_owned(),
        target: HOST_TARGET.to_owned(),
        cpu: Vec::new(),
        length: elf.len() as u64,
        sha256: sha256(elf),
        component: sha256(b"component"),
        epoch: true,
        concurrency: false,
        exceptions: false,
        memories: 1,
        images: vec![Image {
            minimum: 17,
            start: 4096,
            offset: 0,
            length: 0,
        }],
        tables: 2,
        core_instances: 3,
        world: World::ApiFunction,
        names: true,
        stripped: true,
        prepared: true,
        warmed_by: Some(sha256(b"event")),
        one_request: true,
        origin: 0,
        imports: vec!["wasi:cli/exit@0.2.0".to_owned(), "a:b/types".to_owned()],
        types: vec!["a:b/types".to_owned()],
        exports: vec!["lambda:function/api@0.1.0".to_owned()],
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.cwasm");
    std::fs::write(&path, [elf, &*trailer.to_bytes().unwrap()].concat()).unwrap();
    let read = Trailer::read(&path).unwrap();
    assert_eq!(read, trailer);
    verify(&path, &read).unwrap();
}

#[test]
fn the_checksum_is_sha_256() {
    // The digest of "abc" in FIPS 180-2, appendix B.1.
    assert_eq!(
        sha256(b"abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}
