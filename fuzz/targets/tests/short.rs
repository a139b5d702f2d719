//! Runs each target without a fuzzer: on its corpus, and on changed copies of it. The same seed makes the same inputs, so that a
//! test does not fail for what a change did not do. `./build.sh fuzz` looks at the coverage too, and finds more.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use lambda_wasm_fuzz_targets as targets;
use lambda_wasm_test_support::root;
use tempfile::TempDir;

/// The largest input, in bytes.
const MAX_LENGTH: usize = 8192;

macro_rules! short {
    ($($target:ident: $inputs:literal),* $(,)?) => {
        $(
            #[test]
            fn $target() {
                short(stringify!($target), targets::$target::run, $inputs);
            }
        )*
    };
}

// So many inputs take about a second each, and five on a slow machine.
short!(
    artifact: 20_000,
    backtrace: 60_000,
    door: 30_000,
    event: 30_000,
    invocation: 40_000,
    log: 2_000,
    policy: 40_000,
    prelude: 80_000,
    response: 5_000,
    signing: 3_000,
    template: 20_000,
);

/// Runs a target on so many inputs. With the variable `LAMBDA_WASM_FUZZ_INPUTS`, it is that many, and they are also made of what
/// the fuzzer has found. `LAMBDA_WASM_SEED` makes others.
fn short(target: &str, run: fn(&[u8]), inputs: u64) {
    let number = |name: &str| Some(std::env::var(name).ok()?.parse::<u64>().unwrap());
    let seed = number("LAMBDA_WASM_SEED").unwrap_or(1);
    let many = number("LAMBDA_WASM_FUZZ_INPUTS");
    let (corpus, words) = (corpus(target, many.is_some()), dictionary(target));
    println!(
        "{target}: LAMBDA_WASM_SEED={seed}, a corpus of {}",
        corpus.len()
    );
    let mut random = Random(seed);
    for input in corpus {
        try_out(target, run, input);
    }
    for _ in 0..many.unwrap_or(inputs) {
        let mut input = random.of(corpus).clone();
        for _ in 0..=random.below(4) {
            random.change(&mut input, corpus, &words);
        }
        input.truncate(MAX_LENGTH);
        try_out(target, run, &input);
    }
}

/// Calls the target. An input that it panics for is kept.
fn try_out(target: &str, run: fn(&[u8]), input: &[u8]) {
    if catch_unwind(|| run(input)).is_ok() {
        return;
    }
    let directory = root().join("target/fuzz/findings");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join(format!("{target}-short"));
    fs::write(&file, input).unwrap();
    panic!(
        "the input is {}: run {target} of ./build.sh fuzz with it",
        file.display()
    );
}

/// Returns the inputs that the repository has for a target, and, if asked for, those that the fuzzer has found.
fn corpus(target: &str, found: bool) -> &'static [Vec<u8>] {
    static CORPORA: OnceLock<BTreeMap<&str, Vec<Vec<u8>>>> = OnceLock::new();
    let corpora = CORPORA.get_or_init(|| {
        // Other inputs than the repository's would differ from machine to machine.
        let empty = TempDir::new().unwrap();
        let directory = match found {
            true => root().join("target/fuzz/corpus"),
            false => empty.path().to_owned(),
        };
        let script = root().join("scripts/fuzz-corpus.sh");
        let status = Command::new(script).arg(&directory).status().unwrap();
        assert!(status.success());
        let names = targets::TARGETS.into_iter().map(|(name, _)| name);
        names
            .map(|name| (name, files(&directory.join(name))))
            .collect()
    });
    let corpus = &corpora[target];
    assert!(!corpus.is_empty(), "{target} has no corpus");
    corpus
}

/// Returns the contents of a directory's files, by their names.
fn files(directory: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Returns the words of a target's dictionary.
fn dictionary(target: &str) -> Vec<Vec<u8>> {
    let file = root().join(format!("fuzz/dictionaries/{target}.dict"));
    let text = fs::read_to_string(file).unwrap_or_default();
    let words = text.lines().map(|line| line.trim_matches('"'));
    words
        .map(|word| word.replace("\\\"", "\"").into_bytes())
        .collect()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Changes an input in one way.
    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[Vec<u8>]) {
        let at = self.below(input.len());
        let length = self.below(input.len() - at).min(64);
        match self.below(7) {
            0 if !input.is_empty() => input[at] ^= 1 << self.below(8),
            1 if !input.is_empty() => input[at] = self.next() as u8,
            2 => drop(input.drain(at..at + length)),
            3 => {
                let copy = input[at..at + length].to_vec();
                input.splice(at..at, copy);
            }
            4 if !words.is_empty() => {
                let word = self.of(words).clone();
                input.splice(at..at, word);
            }
            5 => {
                let other = self.of(corpus);
                let from = self.below(other.len());
                let part = &other[from..(from + 1 + self.below(200)).min(other.len())];
                input.splice(at..at + length, part.iter().copied());
            }
            _ => {
                let bytes: Vec<u8> = (0..self.below(16)).map(|_| self.next() as u8).collect();
                input.splice(at..at, bytes);
            }
        }
    }
}
