use wasmparser::Validator;

use super::*;

const PAGE: usize = 4096;

/// Takes the content out of a component with these core modules.
fn taken(modules: &str) -> (Vec<u8>, Option<TakenOut>) {
    let component = wat::parse_str(format!("(component {modules})")).unwrap();
    let taken = take_out(&component, PAGE);
    (component, taken)
}

/// 100 bytes of a data segment.
fn hundred(byte: char) -> String {
    byte.to_string().repeat(100)
}

#[test]
fn the_content_of_a_memory_becomes_whole_pages() {
    let (a, b) = (hundred('a'), hundred('b'));
    let (component, taken) = taken(&format!(
        r#"(core module
            (memory 3)
            (func (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 4)))
            (data (i32.const 5000) "{a}")
            (data "passive")
            (data (i32.const 12250) "{b}")
            (data (i32.const 5099) "c"))"#
    ));
    let taken = taken.unwrap();
    Validator::new().validate_all(&taken.component).unwrap();
    assert_eq!(taken.component.len(), component.len());
    let image = Image {
        minimum: 3,
        start: 4096,
        offset: 0,
        length: 3 * PAGE,
    };
    assert_eq!(taken.images, [image]);
    let mut expected = vec![0; 3 * PAGE];
    expected[5000 - 4096..][..100].fill(b'a');
    expected[5099 - 4096] = b'c';
    expected[12250 - 4096..][..100].fill(b'b');
    assert!(taken.content == expected);
    let has = |bytes: &[u8], text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(has(&component, &a) && !has(&taken.component, &a));
    assert!(has(&taken.component, "passive"));
    // Code stays where it was.
    let code = |bytes: &[u8]| {
        let mut payloads = Parser::new(0).parse_all(bytes).map(Result::unwrap);
        payloads.find_map(|payload| match payload {
            Payload::CodeSectionEntry(body) => Some(body.range()),
            _ => None,
        })
    };
    assert_eq!(code(&taken.component), code(&component));
}

/// How many data segments the core modules of a component have.
fn segments(component: &[u8]) -> u32 {
    let payloads = Parser::new(0).parse_all(component).map(Result::unwrap);
    let counts = payloads.map(|payload| match payload {
        Payload::DataSection(data) => data.count(),
        _ => 0,
    });
    counts.sum()
}

#[test]
fn many_segments_are_left_out_unless_code_names_them() {
    let many: String = (0..MANY)
        .map(|index| format!(r#"(data (i32.const {}) "0123456789")"#, 100 * index))
        .collect();
    let used = "(func (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 0)))";
    let dropped = "(func (data.drop 3))";
    for (lines, left) in [("", 0), (used, MANY), (dropped, MANY), (r#"(data "p")"#, 0)] {
        let (component, taken) = taken(&format!("(core module (memory 3) {many} {lines})"));
        let taken = taken.unwrap();
        Validator::new().validate_all(&taken.component).unwrap();
        assert_eq!(segments(&taken.component), left, "{lines}");
        assert_eq!(taken.component.len(), component.len());
        assert_eq!(&taken.content[100..110], b"0123456789");
    }
}

#[test]
fn a_count_without_segments_is_zero_in_as_many_bytes() {
    for length in 1..5 {
        let number = zero(length);
        let mut reader = wasmparser::BinaryReader::new(&number, 0);
        assert_eq!(reader.read_var_u32().unwrap(), 0);
        assert!(reader.eof());
    }
}

#[test]
fn memories_that_cannot_be_told_apart_or_filled_ahead_stay_as_they_are() {
    let text = hundred('a');
    let at_zero = format!(r#"(data (i32.const 0) "{text}")"#);
    for modules in [
        // Two of one size.
        format!("(core module (memory 3) {at_zero}) (core module (memory 3))"),
        // The place is known at run time only.
        format!(
            r#"(core module (import "" "base" (global i32)) (memory 3)
                (data (global.get 0) "{text}"))"#
        ),
        // A trap, when an instance is made.
        format!(r#"(core module (memory 3) (data (i32.const 196509) "{text}"))"#),
        // Far apart.
        format!(r#"(core module (memory 300) {at_zero} (data (i32.const 19000000) "{text}"))"#),
        // No room for what takes the place of the segment.
        r#"(core module (memory 3) (data (i32.const 0) "a"))"#.to_owned(),
        // Only another module's memory.
        format!(r#"(core module (import "" "memory" (memory 3)) {at_zero})"#),
        String::new(),
    ] {
        let (_, taken) = taken(&modules);
        assert!(taken.is_none(), "{modules}");
    }
    let (_, taken) = taken(&format!(
        "(core module (memory 3) {at_zero}) (core module (memory 4))"
    ));
    assert_eq!(taken.unwrap().images.len(), 2);
}
