use std::time::Duration;

use super::*;
use crate::log::Level;
use crate::policy::{Host, Limits, Origin, Reuse, Scheme};

fn parse(text: &str) -> Result<Policy, Diagnostic> {
    Policy::parse(text, Path::new("/home/me/dist"))
}

fn refusals<const N: usize>(texts: [&str; N]) -> String {
    let refusal = |text| {
        let error = PolicyError::at(Path::new(""), text, parse(text).unwrap_err());
        error.to_string().trim_start_matches(", ").to_owned()
    };
    texts.map(refusal).join("\n")
}

#[test]
fn a_key_that_is_missing_has_its_default() {
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
        host: Host::Wildcard("example.com".to_owned()),
        port: 8443,
    };
    assert_eq!(policy.http.forward_context, std::slice::from_ref(&origin));
    assert_eq!(policy.http.allow, [origin]);
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
        line 2, column 1: unknown key `fail_status`
        hint: did you mean `fail-status`?
        line 3, column 1: unknown key `streams`
        hint: did you mean `stream`?
        line 1, column 1: unknown key `colour`
        hint: use stream, compress, fail-status, remove-base-path, pass-through-path, reuse, lockdown, coredump, limits, log, env, files, http, config, aws
        line 1, column 10: cannot read `stream`: invalid type: string "yes", expected a boolean
        line 1, column 15: cannot read `fail-status`: invalid type: integer `500`, expected HTTP statuses from 200 to 599, such as "500-599" or "404, 500-599"
        line 1, column 15: cannot read `fail-status`: invalid value: string "599-500", expected HTTP statuses from 200 to 599, such as "500-599" or "404, 500-599"
        line 1, column 15: cannot read `fail-status`: invalid value: string "0", expected HTTP statuses from 200 to 599, such as "500-599" or "404, 500-599"
        line 1, column 15: cannot read `fail-status`: invalid value: string "500-", expected HTTP statuses from 200 to 599, such as "500-599" or "404, 500-599"
        line 1, column 10: string values must be quoted, expected literal string
        line 2, column 1: duplicate key
        line 1, column 1: unknown key `coredumps`
        hint: did you mean `coredump`?
        line 1, column 12: cannot read `coredump`: invalid type: integer `1`, expected true, false, or the absolute path of a directory, such as "/mnt/dumps"
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
            "[limits]\nhandles = 0xf",
            "[limits]\nhandles = \"many\"",
            "[limits]\noutput = true",
        ]),
        @r#"
        line 1, column 9: cannot read `reuse`: invalid type: string "always", expected true, false, or a table
        line 2, column 1: unknown key `max_invocations` in [reuse]
        hint: did you mean `max-invocations`?
        line 2, column 19: cannot read `reuse.max-invocations`: invalid value: integer `0`, expected a whole number from 1 to 1000000000
        line 2, column 11: cannot read `reuse.max-age`: invalid type: integer `10`, expected a time from 1ms to 24h, such as "50ms"
        line 2, column 11: cannot read `reuse.max-age`: unknown unit `min`
        hint: use ms, s, m, h
        line 2, column 11: cannot read `reuse.max-age`: invalid value: string "48h", expected a time from 1ms to 24h, such as "50ms"
        line 1, column 10: cannot read `limits`: invalid type: integer `1`, expected a table: [limits]
        line 3, column 1: unknown key `memmory` in [limits]
        hint: did you mean `memory`?
        line 2, column 10: cannot read `limits.memory`: invalid type: integer `96`, expected a size from 64KiB to 10GiB, such as "96MiB"
        line 2, column 10: cannot read `limits.memory`: unknown unit `MB`
        hint: did you mean `MiB`?
        line 2, column 10: cannot read `limits.memory`: invalid value: string "96", expected a size from 64KiB to 10GiB, such as "96MiB"
        line 2, column 10: cannot read `limits.memory`: unknown unit `parsecs`
        hint: use KiB, MiB, GiB
        line 2, column 10: cannot read `limits.memory`: invalid value: string "1KiB", expected a size from 64KiB to 10GiB, such as "96MiB"
        line 2, column 10: cannot read `limits.memory`: invalid value: string "99999999999999999999MiB", expected a size from 64KiB to 10GiB, such as "96MiB"
        line 2, column 10: cannot read `limits.memory`: invalid value: string "18446744073709551615GiB", expected a size from 64KiB to 10GiB, such as "96MiB"
        line 2, column 10: cannot read `limits.margin`: invalid value: string "50", expected a time from 1ms to 1m, such as "50ms"
        line 2, column 10: cannot read `limits.margin`: invalid value: string "0ms", expected a time from 1ms to 1m, such as "50ms"
        line 2, column 10: cannot read `limits.margin`: invalid value: string "-1ms", expected a time from 1ms to 1m, such as "50ms"
        line 2, column 11: cannot read `limits.handles`: invalid value: integer `-1`, expected a whole number from 16 to 1000000
        line 2, column 11: cannot read `limits.handles`: invalid value: integer `15`, expected a whole number from 16 to 1000000
        line 2, column 11: cannot read `limits.handles`: invalid type: string "many", expected a whole number from 16 to 1000000
        line 2, column 10: cannot read `limits.output`: invalid type: boolean `true`, expected a size from 1KiB to 10GiB, such as "96MiB"
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
        line 2, column 1: unknown key `allowed` in [env]
        hint: did you mean `allow`?
        line 2, column 9: cannot read `env.allow`: invalid type: string "TABLE", expected a list of texts
        line 3, column 1: cannot read `env.allow`: invalid type: integer `1`, expected a string
        line 4, column 1: cannot read `env.allow`: "AWS_*" is not the name of a variable
        line 1, column 9: cannot read `files`: invalid type: sequence, expected a table: [files]
        line 2, column 1: "/temp" cannot be granted
        hint: did you mean "/tmp"?
        line 2, column 1: "/tmp/data" cannot be granted
        hint: grant "/tmp", or "/var/task", which is the function's own directory, or a directory in it
        line 2, column 1: "/var/tasks/data" cannot be granted
        hint: did you mean "/var/task"?
        line 2, column 1: "/" is not a valid directory
        hint: use an absolute path without `.`, `..` and empty names, such as "/tmp"
        line 2, column 1: "/etc" cannot be granted
        hint: grant "/tmp", or "/var/task", which is the function's own directory, or a directory in it
        line 2, column 1: "/proc/self" cannot be granted
        hint: grant "/tmp", or "/var/task", which is the function's own directory, or a directory in it
        line 2, column 1: "tmp" is not a valid directory
        hint: use an absolute path without `.`, `..` and empty names, such as "/tmp"
        line 2, column 1: "/tmp/" is not a valid directory
        hint: use an absolute path without `.`, `..` and empty names, such as "/tmp"
        line 2, column 1: "/var/task/../../etc" is not a valid directory
        hint: use an absolute path without `.`, `..` and empty names, such as "/tmp"
        line 2, column 10: cannot read `files./tmp`: unknown value `readonly`
        hint: did you mean `read-only`?
        line 2, column 10: cannot read `files./tmp`: unknown value `rw`
        hint: use read-only, read-write
        line 2, column 10: cannot read `files./tmp`: invalid type: boolean `true`, expected a string
        line 2, column 1: unknown key `deny` in [http]
        hint: use allow, forward-context
        line 4, column 3: cannot read `http.allow`: the origin "api.example.com" has no scheme
        hint: did you mean "https://api.example.com"?
        line 2, column 12: cannot read `config.greeting`: invalid type: integer `1`, expected a string
        line 2, column 1: cannot read `config.greeting`: invalid type: map, expected a string
        line 2, column 1: unknown key `signs` in [aws]
        hint: did you mean `sign`?
        line 2, column 9: cannot read `aws.sign`: "DynamoDB" is not the name of a service in AWS's signatures
        hint: did you mean "dynamodb"?
        line 2, column 9: cannot read `aws.sign`: "s3!" is not the name of a service in AWS's signatures
        hint: did you mean "s3"?
        line 2, column 12: cannot read `aws.regions`: "eu_central_1" is not a region of AWS
        hint: did you mean "eu-central-1"?
        line 2, column 12: cannot read `aws.regions`: "frankfurt" is not a region of AWS
        hint: write it as "eu-central-1"
        "#
    );
}
