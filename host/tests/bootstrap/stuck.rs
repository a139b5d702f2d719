//! Calls into the host that do not return: here the write to a log that nobody reads.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lambda_wasm_emulator::{Invocation, RuntimeApi};
use lambda_wasm_test_support::{Deployment, PATIENCE, ScriptedApi, full_bootstrap};
use rustix::fs::{CWD, Mode, OFlags, fcntl_setfl, mkfifoat};

use crate::http::event;

const TIMEOUT: Duration = Duration::from_secs(1);

/// The report of a stuck invocation.
const ERROR: &str = "POST /2018-06-01/runtime/invocation/stuck/error HTTP/1.1";

/// Has the guest write more than the pipe of its log takes, and checks that the invocation ends all the same.
fn get_stuck(api: &RuntimeApi) {
    let began = Instant::now();
    let stuck = Invocation::new("\"long-line:1000000\"").timeout(TIMEOUT);
    let error = api.invoke(stuck).error();
    assert_eq!(error.error_type(), "Function.Timeout");
    let message = error.error_message();
    assert!(
        message.contains("a call into the host did not return"),
        "{message}"
    );
    assert!(began.elapsed() < TIMEOUT, "{:?}", began.elapsed());
}

#[test]
fn a_stuck_invocation_fails_and_the_process_re_executes() {
    let (api, mut process) = Deployment::of("handler").start_unread();
    for _ in 0..3 {
        get_stuck(&api);
        let began = Instant::now();
        let answer = api.invoke(Invocation::new("\"count\"")).response();
        assert_eq!(answer.text(), "\"1\"");
        assert!(
            began.elapsed() < Duration::from_millis(500),
            "{:?}",
            began.elapsed()
        );
    }
    assert_eq!(api.violations(), []);
    assert!(
        process.try_wait().unwrap().is_none(),
        "it is the same process"
    );
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Whoever put the pipe there: a guest cannot make one.
#[test]
fn a_file_that_is_a_pipe_leaves_few_threads_behind() {
    let deployment =
        Deployment::of("hostile").policy("[files]\n\"/var/task/data\" = \"read-only\"\n");
    let data = deployment.path().join("data");
    fs::create_dir(&data).unwrap();
    mkfifoat(CWD, data.join("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
    fs::write(data.join("file"), "text").unwrap();
    let host = deployment.start();
    let threads = || fs::read_dir(format!("/proc/{}/task", host.pid())).unwrap();
    let read = || host.ask("read:/var/task/data/file");
    assert_eq!(read(), "text");
    let life = host.life();
    for _ in 0..40 {
        let event = Invocation::new("\"read:/var/task/data/pipe\"");
        let event = event.timeout(Duration::from_millis(200));
        let error = host.api.invoke(event).error();
        assert_eq!(error.error_type(), "Function.Timeout");
        assert_eq!(read(), "text");
        assert!(threads().count() < 40, "threads are left");
    }
    assert!(host.life() != life, "it did not start anew");
    host.finish();
}

#[test]
fn among_several_workers_another_takes_its_place_until_there_are_too_many() {
    let (api, mut process) = Deployment::of("handler")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "2")
        .start_unread();
    for _ in 0..4 {
        get_stuck(&api);
        let answer = api.invoke(Invocation::new("\"count\"")).response();
        assert_eq!(answer.text(), "\"1\"");
        assert!(api.wait_workers(2, PATIENCE), "two ask for events");
    }
    get_stuck(&api);
    let until = Instant::now() + PATIENCE;
    while process.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "it goes on with five stuck threads");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(process.wait().unwrap().code(), Some(1));
}

#[test]
fn a_stuck_thread_that_has_answered_is_left_behind() {
    for workers in ["1", "2"] {
        let (api, mut process) = Deployment::of("http_p2")
            .env("AWS_LAMBDA_MAX_CONCURRENCY", workers)
            .start_unread();
        for _ in 0..2 {
            let ask = |target: &str| Invocation::new(event("GET", target, "")).timeout(TIMEOUT);
            let answer = api.invoke(ask("/log-after?ms=50")).response();
            assert_eq!(answer.json()["statusCode"], 200);
            if workers == "2" {
                assert!(api.wait_workers(2, PATIENCE), "two ask for events");
            }
            let next = Invocation::new(event("GET", "/status/200", "")).timeout(PATIENCE);
            assert_eq!(api.invoke(next).response().json()["statusCode"], 200);
        }
        assert_eq!(api.violations(), []);
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

/// While the Runtime API takes its time to hear of it. Another invocation ends meanwhile, and looks at the count.
#[test]
fn a_thread_that_returns_while_its_failure_is_told_is_not_counted_below_zero() {
    let api = ScriptedApi::start();
    let mut process = Deployment::of("handler")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "2")
        .start_unread_at(&api.address());
    let mut log = process.stdout.take().unwrap();
    let mut workers = [api.accept(), api.accept()];
    for worker in &mut workers {
        worker.expect_next();
    }
    let [mut stuck, mut other] = workers;
    stuck.event_within(TIMEOUT, "stuck", "\"long-line:1000000\"");
    let mut report = api.accept();
    assert_eq!(report.request().line, ERROR);
    let reading = std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    stuck.expect_end();
    other.event("other", "\"count\"");
    other.take_response("other");
    other.expect_next();
    report.answer("202 Accepted", "", "{\"status\":\"OK\"}");
    let mut another = api.accept();
    another.expect_next();
    another.event("another", "\"count\"");
    another.take_response("another");
    process.kill().unwrap();
    process.wait().unwrap();
    reading.join().unwrap().unwrap();
}

#[test]
fn a_thread_that_returns_after_all_is_counted_no_more() {
    let (api, mut process) = Deployment::of("handler")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "2")
        .start_unread();
    let mut log = process.stdout.take().unwrap();
    fcntl_setfl(&log, OFlags::NONBLOCK).unwrap();
    for _ in 0..7 {
        get_stuck(&api);
        assert!(api.wait_workers(2, PATIENCE), "two ask for events");
        let threads = || std::fs::read_dir(format!("/proc/{}/task", process.id())).unwrap();
        let until = Instant::now() + PATIENCE;
        // The main thread stays, whether it works or not, the watchdog, and the thread that stands by.
        while threads().count() > 5 {
            assert!(Instant::now() < until, "threads are left");
            // Somebody reads the log again, so that the write returns.
            match log.read(&mut [0; 65536]) {
                Ok(_) => (),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    let answer = api.invoke(Invocation::new("\"count\"")).response();
    assert_eq!(answer.text(), "\"1\"");
    process.kill().unwrap();
    process.wait().unwrap();
}

/// More than a pipe takes at once is written of the line before the process restarts.
#[test]
fn a_line_that_was_half_written_ends_before_the_next_invocations() {
    let (api, mut process) = Deployment::of("handler")
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .start_unread();
    get_stuck(&api);
    let log = process.stdout.take().unwrap();
    let reading = std::thread::spawn(move || {
        let mut lines = BufReader::new(log).lines().map(Result::unwrap);
        lines.find(|line| line.contains("after")).unwrap()
    });
    let next = Invocation::new("\"stdout:after\"").request_id("next");
    assert_eq!(api.invoke(next).response().text(), "\"printed\"");
    let line: serde_json::Value = serde_json::from_str(&reading.join().unwrap()).unwrap();
    assert_eq!(line["message"], "after");
    assert_eq!(line["requestId"], "next");
    process.kill().unwrap();
    process.wait().unwrap();
}

/// The log is stuck, too, so that what the host says of it has to be left out.
#[test]
fn whatever_the_runtime_api_says_to_the_failure_the_process_restarts() {
    for status in [
        "202 Accepted",
        "400 Bad Request",
        "410 Gone",
        "413 Payload Too Large",
        "500 Internal Server Error",
        "",
    ] {
        let api = ScriptedApi::start();
        let mut process = Deployment::of("handler").start_unread_at(&api.address());
        let mut worker = api.accept();
        worker.expect_next();
        let deadline = Instant::now() + TIMEOUT;
        worker.event_within(TIMEOUT, "stuck", "\"long-line:1000000\"");
        let mut report = api.accept();
        assert_eq!(report.request().line, ERROR);
        match status {
            // Not a word.
            "" => {}
            status => report.answer(status, "", ""),
        }
        let mut restarted = api.accept();
        restarted.expect_next();
        assert!(Instant::now() < deadline, "{status}: too late");
        restarted.event("good", "\"count\"");
        restarted.take_response("good");
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

#[test]
fn a_neighbours_deadline_does_not_wait_for_the_report_of_a_stuck_one() {
    let api = ScriptedApi::start();
    let mut process = Deployment::of("handler")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "4")
        .start_unread_at(&api.address());
    let mut workers = [api.accept(), api.accept(), api.accept(), api.accept()];
    for worker in &mut workers {
        worker.expect_next();
    }
    let [mut stuck, mut neighbour, _, _] = workers;
    let since = Instant::now();
    stuck.event_within(TIMEOUT, "stuck", "\"long-line:1000000\"");
    neighbour.event_within(TIMEOUT * 3 / 2, "neighbour", "\"loop\"");
    // It is not answered.
    let mut report = api.accept();
    assert_eq!(report.request().line, ERROR);
    let error = neighbour.request();
    assert!(error.line.contains("/neighbour/error "), "{}", error.line);
    let text = String::from_utf8(error.body).unwrap();
    assert!(text.contains("it computed"), "{text}");
    assert!(since.elapsed() < TIMEOUT * 3 / 2, "{:?}", since.elapsed());
    process.kill().unwrap();
    process.wait().unwrap();
}

/// The limit holds for other users than root.
#[test]
fn without_a_thread_to_replace_a_stuck_one_the_process_ends_after_the_others() {
    const USER: &str = "54321";
    if !rustix::process::getuid().is_root() {
        eprintln!("not run: only root can start a process of another user's");
        return;
    }
    let deployment = Deployment::of("handler");
    let directory = deployment.path();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(directory, everybody).unwrap();
    fs::copy(full_bootstrap(), directory.join("bootstrap")).unwrap();
    let api = RuntimeApi::start("127.0.0.1:0").unwrap();
    // Four workers and the watchdog.
    let mut process = Command::new("prlimit")
        .args(["--nproc=5:5", "setpriv", "--clear-groups"])
        .args([&format!("--reuid={USER}"), "--regid=54321"])
        .arg(directory.join("bootstrap"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("_HANDLER", "hello")
        .env("LAMBDA_TASK_ROOT", directory)
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "4")
        .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(api.wait_workers(4, PATIENCE), "four ask for events");
    let neighbour = Invocation::new("\"sleep:2000\"").timeout(PATIENCE);
    let neighbour = api.submit(neighbour);
    let stuck = Invocation::new("\"long-line:1000000\"").timeout(TIMEOUT);
    let error = api.invoke(stuck).error();
    assert_eq!(error.error_type(), "Function.Timeout");
    assert_eq!(neighbour.wait().response().text(), "\"woke\"");
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < until, "it does not end");
        std::thread::yield_now();
    };
    assert_eq!(status.code(), Some(1));
    let mut said = String::new();
    let mut stderr = process.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert!(!said.contains("panicked"), "{said}");
}

/// Lines of no invocation, for which no deadline is watched.
#[test]
fn a_log_that_is_full_does_not_keep_a_worker_from_asking_again() {
    for format in ["Text", "JSON"] {
        let (_unread, full) = std::io::pipe().unwrap();
        fcntl_setfl(&full, OFlags::NONBLOCK).unwrap();
        while (&full).write(&[b'x'; 4096]).is_ok() {}
        fcntl_setfl(&full, OFlags::empty()).unwrap();
        let api = ScriptedApi::start();
        let deployment = Deployment::of("handler")
            .env("AWS_LAMBDA_LOG_FORMAT", format)
            .env("AWS_LAMBDA_RUNTIME_API", &api.address());
        let mut process = deployment
            .command()
            .stdout(full.try_clone().unwrap())
            .stderr(full)
            .spawn()
            .unwrap();
        let mut worker = api.accept();
        for _ in 0..3 {
            worker.expect_next();
            worker.answer("503 Service Unavailable", "", "");
        }
        worker.expect_next();
        worker.event("good", "\"count\"");
        worker.take_response("good");
        worker.expect_next();
        process.kill().unwrap();
        process.wait().unwrap();
    }
}
