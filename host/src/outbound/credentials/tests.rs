//! The endpoints that may be asked, and when credentials are renewed.

use super::*;

fn endpoint(variable: &str, uri: &str) -> Result<Vec<SocketAddr>, String> {
    let environment = Environment::from_pairs(&[(variable, uri)]);
    let endpoint = Endpoint::from_environment(&environment).unwrap();
    endpoint.map(|endpoint| endpoint.addresses())
}

/// <https://docs.rs/aws-config/latest/aws_config/ecs/index.html> has the rule.
#[test]
fn only_this_machine_ecs_and_eks_are_asked_without_tls() {
    let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    for (uri, address) in [
        ("http://127.0.0.1:9/v1?a", "127.0.0.1:9"),
        ("http://127.3.2.1/", "127.3.2.1:80"),
        ("http://localhost:8080/", "127.0.0.1:8080"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("http://169.254.170.2/v2", "169.254.170.2:80"),
        ("http://169.254.170.23/v1", "169.254.170.23:80"),
        ("http://[fd00:ec2::23]/v1", "[fd00:ec2::23]:80"),
        ("https://192.0.2.1/", "192.0.2.1:443"),
    ] {
        assert_eq!(
            endpoint(full, uri),
            Ok(vec![address.parse().unwrap()]),
            "{uri}"
        );
    }
    assert_eq!(
        endpoint(full, "https://credentials.example.com/"),
        Ok(Vec::new())
    );
    for uri in [
        "http://169.254.169.254/",
        "http://169.254.170.3/",
        "http://192.0.2.1/",
        "http://credentials.example.com/",
        "http://localhost.example.com/",
        "http://[fd00:ec2::24]/",
        "ftp://127.0.0.1/",
        "/relative",
        "http://user@127.0.0.1/",
    ] {
        let why = endpoint(full, uri).unwrap_err();
        assert!(why.starts_with(full), "{uri}: {why}");
    }
    let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    let ecs = vec!["169.254.170.2:80".parse().unwrap()];
    assert_eq!(endpoint(relative, "/v2/credentials"), Ok(ecs));
    // It would be another host.
    for path in [".example.com/", "@192.0.2.1/", "0/"] {
        assert!(endpoint(relative, path).is_err(), "{path}");
    }
}

fn credentials(expiry: SystemTime) -> Credentials {
    Credentials::new("key", "secret", None, Some(expiry), "test")
}

#[test]
fn credentials_are_renewed_five_to_six_minutes_before_they_expire() {
    let now = SystemTime::now();
    let (hour, minute) = (Duration::from_secs(3600), Duration::from_secs(60));
    let mut kept = Kept::default();
    assert!(kept.valid(now).is_none());
    kept.succeed(credentials(now + hour), now);
    let is_due = |at| kept.valid(at).map(|(_, is_due)| is_due);
    assert_eq!(is_due(now + hour - 7 * minute), Some(false));
    assert_eq!(is_due(now + hour - 5 * minute), Some(true));
    assert_eq!(is_due(now + hour), None);
}

#[test]
fn a_failure_counts_half_a_second_whatever_the_clock_says() {
    let mut kept = Kept::default();
    let began = Instant::now();
    // The clock is a day ahead, and is set back afterwards.
    kept.fail(
        "on purpose",
        SystemTime::now() + Duration::from_secs(86_400),
    );
    assert_eq!(kept.failure_since(began), Some("on purpose"));
    let later = Instant::now() + FAILURE_COUNTS;
    assert_eq!(kept.failure_since(later), None);
}

#[test]
fn a_renewal_that_fails_is_tried_again_after_longer_pauses() {
    let now = SystemTime::now();
    let mut kept = Kept::default();
    kept.succeed(credentials(now + Duration::from_secs(200)), now);
    for (failures, shortest, longest) in [(1, 500, 1000), (2, 1000, 2000), (3, 2000, 4000)] {
        kept.fail("on purpose", now);
        assert_eq!(kept.failures, failures);
        let is_due = |ms| kept.valid(now + Duration::from_millis(ms)).unwrap().1;
        assert!(!is_due(shortest - 1) && is_due(longest), "{failures}");
    }
    for _ in 0..100 {
        kept.fail("on purpose", now);
    }
    assert!(kept.valid(now + Duration::from_secs(60)).unwrap().1);
    kept.succeed(credentials(now + Duration::from_secs(3600)), now);
    assert!(kept.failure.is_none() && kept.failures == 0);
}
