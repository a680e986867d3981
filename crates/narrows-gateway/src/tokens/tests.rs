use super::*;

fn gateway(name: &str) -> GatewayName {
    name.parse().unwrap()
}

fn file(dir: &tempfile::TempDir) -> TokenFile {
    TokenFile::new(dir.path().join("tokens.json"))
}

const NOW: &str = "2026-01-01T00:00:00Z";

#[test]
fn a_token_lets_in_its_holder_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(&dir);
    let alice = file.issue("alice", None, NOW.into()).unwrap();
    let bob = file
        .issue("bob", Some(gateway("east")), NOW.into())
        .unwrap();
    let tokens = file.read().unwrap();
    let who = |secret: &str, name, at| {
        let holder = tokens.holder(secret, name, &gateway(at));
        holder.map(|identity| identity.to_string())
    };
    let named = |name: &str| Some(format!("token:{name}"));
    assert_eq!(who(alice.expose(), None, "west"), named("alice"));
    assert_eq!(who(alice.expose(), Some("alice"), "west"), named("alice"));
    assert_eq!(who(alice.expose(), Some("bob"), "west"), None);
    assert_eq!(who(bob.expose(), None, "east"), named("bob"));
    assert_eq!(who(bob.expose(), None, "west"), None);
    assert_eq!(who("", None, "west"), None);
    assert_eq!(who(&alice.expose()[1..], None, "west"), None);
    assert_eq!(Tokens::default().holder("", None, &gateway("west")), None);
}

#[test]
fn the_file_holds_no_token_and_debug_shows_none() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(&dir);
    let secret = file.issue("alice", None, NOW.into()).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    assert!(!text.contains(secret.expose()));
    assert!(secret.expose().starts_with(PREFIX));
    assert!(!format!("{secret:?} {:?}", file.read()).contains(secret.expose()));
}

#[test]
fn a_revoked_token_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(&dir);
    let secret = file.issue("alice", None, NOW.into()).unwrap();
    file.issue("bob", None, NOW.into()).unwrap();
    assert!(matches!(
        file.issue("bob", None, NOW.into()),
        Err(TokenError::Exists(_))
    ));
    file.revoke("alice").unwrap();
    assert!(matches!(file.revoke("alice"), Err(TokenError::Missing(_))));
    let tokens = file.read().unwrap();
    assert_eq!(tokens.holder(secret.expose(), None, &gateway("west")), None);
    assert_eq!(tokens.entries().len(), 1);
}

#[test]
fn bad_names_and_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(&dir);
    for name in ["", "a b", "a:b", "a\nb", &"a".repeat(65)] {
        assert!(matches!(
            file.issue(name, None, NOW.into()),
            Err(TokenError::Name)
        ));
    }
    fs::write(
        file.path(),
        "{\"tokens\": [\n{\"name\": \"a\", \"issued\": \"\", \"sha256\": \"00\"}]}",
    )
    .unwrap();
    let error = file.read().unwrap_err().to_string();
    assert!(
        error.contains("tokens.json:2:") && error.contains("64"),
        "{error}"
    );
    assert!(
        file.issue("alice", None, NOW.into()).is_err(),
        "a broken file is not overwritten"
    );
}
