use std::time::Duration;

use super::*;
use crate::log::Level;
use crate::policy::{Host, Scheme};

fn parse(text: &str) -> Said<Policy> {
    Policy::parse(text, Path::new("/home/me/dist"))
}

fn refusals<const N: usize>(texts: [&str; N]) -> String {
    let refusal = |text| {
        let Wrong { at, why } = parse(text).unwrap_err();
        format!("{}: {why}", line(text, at.start))
    };
    texts.map(refusal).join("\n")
}

#[test]
fn what_is_not_said_has_a_default() {
    assert_eq!(parse("# nothing\n"), Ok(Policy::default()));
    let missing = Path::new("/nonexistent/hello.toml");
    assert_eq!(Policy::read(missing), Ok(Policy::default()));
}

#[test]
fn all_of_it() {
    let policy = parse(
        r#"
        stream = true
        compress = true
        fail-status = "404, 500-599"
        coredump = "/mnt/dumps"
        [log]
        stderr = "WARN"
        [reuse]
        max-invocations = 1000
        max-age = "10m"
        [limits]
        memory = "48MiB"
        margin = "1s"
        tables = 10
        instances = 20
        handles = 100
        output = "64KiB"
        [env]
        allow = ["TABLE"]
        grant = ["AWS_SESSION_TOKEN"]
        [files]
        "/tmp" = "read-write"
        "/var/task/data" = "read-only"
        "/home/me/dist" = "read-only"
        [http]
        allow = ["https://*.example.com:8443"]
        forward-context = ["https://*.example.com:8443"]
        [config]
        greeting = "Hello"
        [aws]
        sign = ["dynamodb", "s3"]
        regions = ["eu-central-1", "us-gov-west-1"]
        "#,
    )
    .unwrap();
    assert_eq!(policy.stream, Some(true));
    assert_eq!(policy.fail_status, [404..=404, 500..=599]);
    let dumps = policy.coredump.map(|dumps| dumps.directory);
    assert_eq!(dumps, Some("/mnt/dumps".into()));
    assert_eq!(
        (policy.log.stdout, policy.log.stderr),
        (Level::Info, Level::Warn)
    );
    assert!(policy.compress);
    let reuse = Reuse {
        max_invocations: Some(1000),
        max_age: Some(Duration::from_secs(600)),
    };
    assert_eq!(policy.reuse, Some(reuse));
    let limits = Limits {
        memory: Some(48 * 1024 * 1024),
        margin: Some(Duration::from_secs(1)),
        tables: 10,
        instances: 20,
        handles: 100,
        output: 64 * 1024,
    };
    assert_eq!(policy.limits, limits);
    assert_eq!(policy.env.allow, Some(vec!["TABLE".to_owned()]));
    assert_eq!(policy.env.grant, ["AWS_SESSION_TOKEN"]);
    let folders = policy.files.iter();
    let folders: Vec<_> = folders.map(|f| (f.path.as_str(), f.is_writable)).collect();
    assert_eq!(
        folders,
        [
            ("/home/me/dist", false),
            ("/tmp", true),
            ("/var/task/data", false)
        ]
    );
    let origin = Origin {
        scheme: Scheme::Https,
        host: Host::Below("example.com".to_owned()),
        port: 8443,
    };
    assert_eq!(policy.forward_context, std::slice::from_ref(&origin));
    assert_eq!(policy.http, [origin]);
    assert_eq!(policy.config, [("greeting".to_owned(), "Hello".to_owned())]);
    assert_eq!(policy.aws.sign, ["dynamodb", "s3"]);
    assert_eq!(policy.aws.regions, ["eu-central-1", "us-gov-west-1"]);
}

#[test]
fn reuse_is_a_flag_too() {
    assert_eq!(parse("reuse = false").unwrap().reuse, None);
    assert_eq!(parse("reuse = true").unwrap().reuse, Some(Reuse::default()));
}

#[test]
fn mistakes_are_told_with_their_line_and_the_nearest_right_word() {
    insta::assert_snapshot!(
        refusals([
            "stream = true\nfail_status = \"500\"",
            "\n\nstreams = true",
            "colour = 1",
            "stream = \"yes\"",
            "fail-status = 500",
            "fail-status = \"599-500\"",
            "fail-status = \"0\"",
            "fail-status = \"500-\"",
            "stream = \n",
            "stream = true\nstream = true",
            "coredumps = true",
            "coredump = 1",
        ]),
        @r#"
        2: there is no key `fail_status`; did you mean `fail-status`?
        3: there is no key `streams`; did you mean `stream`?
        1: there is no key `colour`; there are aws, compress, config, coredump, env, fail-status, files, http, limits, log, pass-through-path, remove-base-path, reuse, stream
        1: stream is true or false
        1: fail-status is a text of HTTP statuses from 200 to 599, such as "500-599" or "404, 500-599"
        1: fail-status is a text of HTTP statuses from 200 to 599, such as "500-599" or "404, 500-599"
        1: fail-status is a text of HTTP statuses from 200 to 599, such as "500-599" or "404, 500-599"
        1: fail-status is a text of HTTP statuses from 200 to 599, such as "500-599" or "404, 500-599"
        1: string values must be quoted, expected literal string
        2: duplicate key
        1: there is no key `coredumps`; did you mean `coredump`?
        1: coredump is true, false, or the absolute path of a directory, such as "/mnt/dumps"
        "#
    );
}

#[test]
fn mistakes_in_reuse_and_limits() {
    insta::assert_snapshot!(
        refusals([
            "reuse = \"always\"",
            "[reuse]\nmax_invocations = 1",
            "[reuse]\nmax-invocations = 0",
            "[reuse]\nmax-age = 10",
            "[reuse]\nmax-age = \"10min\"",
            "[reuse]\nmax-age = \"48h\"",
            "limits = 1",
            "[limits]\n\nmemmory = \"1MiB\"",
            "[limits]\nmemory = 96",
            "[limits]\nmemory = \"96MB\"",
            "[limits]\nmemory = \"96\"",
            "[limits]\nmemory = \"96 parsecs\"",
            "[limits]\nmemory = \"1KiB\"",
            "[limits]\nmemory = \"99999999999999999999MiB\"",
            "[limits]\nmemory = \"18446744073709551615GiB\"",
            "[limits]\nmargin = \"50\"",
            "[limits]\nmargin = \"0ms\"",
            "[limits]\nmargin = \"-1ms\"",
            "[limits]\nhandles = -1",
            "[limits]\nhandles = 0x10",
            "[limits]\nhandles = \"many\"",
            "[limits]\noutput = true",
        ]),
        @r#"
        1: reuse is true, false, or a table: [reuse]
        2: [reuse] has no key `max_invocations`; did you mean `max-invocations`?
        2: max-invocations is a whole number from 1 to 1000000000
        2: max-age is a time with its unit, such as "10m"
        2: max-age has no unit `min`; there are ms, s, m, h
        2: max-age is a time from 1ms to 86400s
        1: limits is a table: [limits]
        3: [limits] has no key `memmory`; did you mean `memory`?
        2: memory is a size with its unit, such as "96MiB"
        2: memory has no unit `MB`; did you mean `MiB`?
        2: memory is a size with its unit, such as "96MiB"
        2: memory has no unit `parsecs`; there are KiB, MiB, GiB
        2: memory is a size from 64KiB to 10240MiB
        2: memory is a size with its unit, such as "96MiB"
        2: memory is a size with its unit, such as "96MiB"
        2: margin is a time with its unit, such as "50ms"
        2: margin is a time from 1ms to 60s
        2: margin is a time with its unit, such as "50ms"
        2: handles is a whole number from 16 to 1000000
        2: handles is a whole number from 16 to 1000000
        2: handles is a whole number from 16 to 1000000
        2: output is a size with its unit, such as "96MiB"
        "#
    );
}

#[test]
fn mistakes_in_grants() {
    insta::assert_snapshot!(
        refusals([
            "[env]\nallowed = []",
            "[env]\nallow = \"TABLE\"",
            "[env]\nallow = [\"A\",\n1]",
            "[env]\nallow = [\n\"A\",\n\"AWS_*\"]",
            "files = [\"/tmp\"]",
            "[files]\n\"/temp\" = \"read-only\"",
            "[files]\n\"/tmp/data\" = \"read-only\"",
            "[files]\n\"/var/tasks/data\" = \"read-only\"",
            "[files]\n\"/\" = \"read-only\"",
            "[files]\n\"/etc\" = \"read-only\"",
            "[files]\n\"/proc/self\" = \"read-only\"",
            "[files]\n\"tmp\" = \"read-only\"",
            "[files]\n\"/tmp/\" = \"read-only\"",
            "[files]\n\"/var/task/../../etc\" = \"read-only\"",
            "[files]\n\"/tmp\" = \"readonly\"",
            "[files]\n\"/tmp\" = \"rw\"",
            "[files]\n\"/tmp\" = true",
            "[http]\ndeny = []",
            "[http]\nallow = [\n  \"https://a.example\",\n  \"api.example.com\"]",
            "[config]\ngreeting = 1",
            "[config]\ngreeting.formal = \"Good day\"",
            "[aws]\nsigns = []",
            "[aws]\nsign = [\"DynamoDB\"]",
            "[aws]\nsign = [\"s3!\"]",
            "[aws]\nregions = [\"eu_central_1\"]",
            "[aws]\nregions = [\"frankfurt\"]",
        ]),
        @r#"
        2: [env] has no key `allowed`; did you mean `allow`?
        2: allow is a list of texts, such as ["TABLE"]
        2: allow is a list of texts, such as ["TABLE"]
        4: "AWS_*" is no name of a variable
        1: files is a table: [files]
        2: "/temp" cannot be granted; did you mean "/tmp"?
        2: "/tmp/data" cannot be granted; there are "/tmp" and "/var/task", the function's own folder, and what is in it
        2: "/var/tasks/data" cannot be granted; did you mean "/var/task"?
        2: "/" is no path of a folder: it starts with `/`, and has no `.`, `..` or empty name in it, as "/tmp" has none
        2: "/etc" cannot be granted; there are "/tmp" and "/var/task", the function's own folder, and what is in it
        2: "/proc/self" cannot be granted; there are "/tmp" and "/var/task", the function's own folder, and what is in it
        2: "tmp" is no path of a folder: it starts with `/`, and has no `.`, `..` or empty name in it, as "/tmp" has none
        2: "/tmp/" is no path of a folder: it starts with `/`, and has no `.`, `..` or empty name in it, as "/tmp" has none
        2: "/var/task/../../etc" is no path of a folder: it starts with `/`, and has no `.`, `..` or empty name in it, as "/tmp" has none
        2: /tmp is not `readonly`; did you mean `read-only`?
        2: /tmp is one of read-only, read-write
        2: /tmp is a text, such as "read-only"
        2: [http] has no key `deny`; there are allow, forward-context
        4: the origin "api.example.com" has no scheme; did you mean "https://api.example.com"?
        2: greeting is a text, such as "Hello"
        2: greeting is a text, such as "Hello"
        2: [aws] has no key `signs`; did you mean `sign`?
        2: "DynamoDB" is not the name of a service in AWS's signatures; did you mean "dynamodb"?
        2: "s3!" is not the name of a service in AWS's signatures; did you mean "s3"?
        2: "eu_central_1" is not a region of AWS; did you mean "eu-central-1"?
        2: "frankfurt" is not a region of AWS; did you mean "eu-central-1"?
        "#
    );
}
