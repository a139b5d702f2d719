//! `host/startup.ld` names functions as they were when it was made. A function that is renamed or removed leaves a name
//! that matches nothing, and no tool complains.

use std::fs;

use lambda_wasm_test_support::root;
use lambda_wasm_test_support::tools::skip;

/// The least share of the names in `startup.ld` that a build has to have, in percent.
const LEAST: usize = 95;

#[test]
fn most_functions_of_the_startup_order_are_in_bootstrap() {
    let folder = root().join("target/x86_64-unknown-linux-musl/bootstrap");
    let maps = ["bootstrap.map", "bootstrap-small.map"].map(|name| folder.join(name));
    if !maps[0].exists() {
        return skip(
            "the order of functions at a start",
            "bootstrap is not linked with musl here",
        );
    }
    let maps = maps.map(|map| fs::read_to_string(map).unwrap());
    let script = fs::read_to_string(root().join("host/startup.ld")).unwrap();
    let linked: Vec<_> = maps.iter().flat_map(|map| linked(map)).collect();
    let names: Vec<_> = script.lines().filter_map(name).collect();
    assert!(names.len() > 500, "{} names in startup.ld", names.len());
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !linked.iter().any(|section| matches(name, section)))
        .collect();
    let share = 100 - missing.len() * 100 / names.len();
    assert!(
        share >= LEAST,
        "bootstrap has {share} % of the {} functions that host/startup.ld names: make it again with scripts/startup-order.py. Missing:\n{missing:#?}",
        names.len()
    );
}

/// The function that a line of the linker script names, where `?` stands for any character.
fn name(line: &str) -> Option<&str> {
    line.trim().strip_prefix("*(.text*.")?.strip_suffix(')')
}

/// The functions that the linker put at the start, by its map. The map begins with what the linker left out, and has a
/// line for each input section.
fn linked(map: &str) -> Vec<&str> {
    let (_, map) = map.split_once("Linker script and memory map").unwrap();
    let (_, start) = map.split_once("\n.text.start ").unwrap();
    let (start, _) = start.split_once("start_functions_end = .").unwrap();
    let sections = start
        .lines()
        .filter_map(|line| line.strip_prefix(" .text."));
    sections
        .filter_map(|section| section.split_whitespace().next())
        .collect()
}

fn matches(name: &str, section: &str) -> bool {
    // A section may be `.text.unlikely.NAME`.
    let Some(at) = section.len().checked_sub(name.len()) else {
        return false;
    };
    let end = &section.as_bytes()[at..];
    let same = |(name, section): (u8, &u8)| name == b'?' || name == *section;
    (at == 0 || section.as_bytes()[at - 1] == b'.') && name.bytes().zip(end).all(same)
}
