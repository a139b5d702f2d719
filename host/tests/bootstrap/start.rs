//! An environment that a function cannot start in, and one that it can.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use lambda_wasm_emulator::{Invocation, RuntimeApi};
use lambda_wasm_test_support::{Deployment, full_bootstrap};
use object::LittleEndian;
use object::elf::PT_GNU_RELRO;
use object::read::elf::{ElfFile64, ProgramHeader};

use crate::refusal::refusal;

#[test]
fn without_a_runtime_api_the_log_says_so() {
    let start = |value: Option<&str>| {
        let deployment = Deployment::of("handler");
        let deployment = match value {
            Some(value) => deployment.env("AWS_LAMBDA_RUNTIME_API", value),
            None => deployment,
        };
        let output = deployment.spawn().wait();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(
            output.stderr.contains("AWS_LAMBDA_RUNTIME_API"),
            "{output:?}"
        );
        assert!(!output.stderr.contains("panicked at"), "{output:?}");
        output.stderr
    };
    let missing = start(None);
    assert!(
        missing.contains("is not set") && missing.contains("lambda-wasm dev"),
        "{missing}"
    );
    for nonsense in [
        "nonsense:port",
        "127.0.0.1:99999",
        "not a host:80",
        "/",
        ":::",
    ] {
        let stderr = start(Some(nonsense));
        assert!(
            stderr.contains(&format!("{nonsense:?}")) && stderr.contains("host:port"),
            "{stderr}"
        );
    }
}

#[test]
fn an_unreachable_runtime_api_is_named() {
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let deployment = Deployment::empty().env("AWS_LAMBDA_RUNTIME_API", &address);
    let output = deployment.spawn().wait();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    // Both what could not be told, and to whom.
    for words in ["Runtime.ComponentNotFound", &address] {
        assert!(output.stderr.contains(words), "{output:?}");
    }
}

#[test]
fn without_a_handler() {
    let refusal = refusal(&Deployment::of("handler").without("_HANDLER"));
    assert_eq!(refusal.error_type, "Runtime.InvalidHandler");
    assert!(refusal.message.contains("_HANDLER is not set"));
    assert!(refusal.message.contains("hello.cwasm"), "an example");
}

#[test]
fn a_handler_with_a_path() {
    let deployment = Deployment::of("handler");
    let root = deployment.path();
    let inner = root.join("inner");
    fs::create_dir(&inner).unwrap();
    let absolute = root.join("hello").display().to_string();
    // Each names the file that is there, were paths allowed.
    for (root, handler) in [
        (&*inner, "../hello"),
        (root, "inner/../hello"),
        (root, "./hello"),
        (&*inner, &*absolute),
    ] {
        let deployment = deployment.clone().env("_HANDLER", handler);
        let root = root.to_str().unwrap();
        let refusal = refusal(&deployment.env("LAMBDA_TASK_ROOT", root));
        assert_eq!(refusal.error_type, "Runtime.InvalidHandler");
        assert!(
            refusal
                .message
                .contains(&format!("_HANDLER is {handler:?}"))
                && refusal.message.contains("without a path"),
            "{refusal:?}"
        );
    }
}

#[test]
fn without_a_task_root_it_is_the_folder_of_bootstrap() {
    let deployment = Deployment::of("handler");
    let bootstrap = deployment.path().join("bootstrap");
    fs::copy(full_bootstrap(), &bootstrap).unwrap();
    fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).unwrap();
    let api = RuntimeApi::start("127.0.0.1:0").unwrap();
    let mut process = Command::new(&bootstrap)
        .current_dir("/")
        .env_clear()
        .env("_HANDLER", "hello")
        .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let outcome = api.invoke(Invocation::new("\"count\""));
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(outcome.response().text(), "\"1\"");
}

/// musl's start code leaves them writable.
#[test]
fn relocated_tables_cannot_be_written() {
    let host = Deployment::of("handler").start();
    assert_eq!(host.ask("count"), "1");
    let program = fs::read(full_bootstrap()).unwrap();
    let elf = ElfFile64::<LittleEndian>::parse(&*program).unwrap();
    let mut segments = elf.elf_program_headers().iter();
    let relocated = segments
        .find(|segment| segment.p_type(LittleEndian) == PT_GNU_RELRO)
        .unwrap();
    let first = relocated.p_vaddr(LittleEndian);
    let last = first + relocated.p_memsz(LittleEndian) - 1;

    let maps = fs::read_to_string(format!("/proc/{}/maps", host.pid())).unwrap();
    let bootstrap = full_bootstrap();
    let name = bootstrap.file_name().unwrap().to_str().unwrap();
    // "7f00-7f10 r--p 00000000 fe:00 123 /path/of/bootstrap", see proc_pid_maps(5).
    let mappings = maps
        .lines()
        .filter(|line| line.ends_with(name))
        .map(|line| {
            let (range, rest) = line.split_once(' ').unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let address = |text| u64::from_str_radix(text, 16).unwrap();
            (address(start)..address(end), &rest[..4])
        });
    let mappings: Vec<_> = mappings.collect();
    let loaded_at = mappings[0].0.start;
    for address in [first, last] {
        let address = loaded_at + address;
        let mut found = mappings
            .iter()
            .filter(|(range, _)| range.contains(&address));
        assert_eq!(found.next().unwrap().1, "r--p", "{address:x}: {maps}");
    }
    for (_, rights) in &mappings {
        assert!(!rights.contains("wx"), "{maps}");
    }
    host.finish();
}
