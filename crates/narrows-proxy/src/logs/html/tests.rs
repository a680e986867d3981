use narrows_log::{Access, Entry, Summary, Timestamp};
use proptest::prelude::*;

use super::*;

fn page(log: &str) -> String {
    let mut summary = Summary::default();
    summary.begin_file("<b>.log");
    log.lines()
        .for_each(|line| summary.add_line(line.as_bytes()));
    write(&summary.report(), 20)
}

#[test]
fn a_page_shows_routes_timeline_and_busiest_names_and_loads_nothing() {
    let page = page(include_str!(
        "../../../../narrows-log/testdata/arcproxy.log"
    ));
    for part in [
        "<h2>Routes</h2>",
        "<h2>Timeline</h2>",
        "<h2>Busiest names</h2>",
        "</i>gateway: 9 names</h2>",
        "</i>proxy: 3 names</h2>",
        "<tr><td>je.<wbr>his.<wbr>arc.<wbr>azure.<wbr>com:443<td>1<td>0<td>7.8 kB<td>",
        "71 % of all requests went through the gateway, 4 went through the proxy. Nothing failed.",
        "prefers-color-scheme: dark",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    for part in [
        "<script", "http://", "https://", "url(", "@import", "<link", "<img",
    ] {
        assert!(!page.contains(part), "{part} in {page}");
    }
}

#[test]
fn a_log_without_requests_is_a_page_too() {
    let page = page("<script>alert(1)</script>");
    assert!(page.contains("<h2>Damaged lines</h2>"));
    assert!(page.contains("&lt;b&gt;.log:1: "), "{page}");
    assert!(!page.contains("<script"));
}

proptest! {
    #[test]
    fn whatever_a_log_says_stays_text(
        target in "[<>&'\"a-z/=!-]{1,40}",
        reason in "[<>&'\"a-z/=!-]{1,40}",
    ) {
        let access = |target: String, result: String| {
            let mut access = Access::new(Timestamp::new(0, 0), "c");
            access.target = target.into();
            access.result = Some(result.into());
            let mut summary = Summary::default();
            summary.add(&Entry::Access(Box::new(access)));
            write(&summary.report(), 20)
        };
        // Where a name may be broken depends on the name.
        let tags = |page: &str| page.replace("<wbr>", "").matches(['<', '>']).count();
        let harmless = access("x".into(), "x".into());
        let hostile = access(target.clone(), reason.clone());
        prop_assert_eq!(tags(&hostile), tags(&harmless), "{}", hostile);
        prop_assert_eq!(hostile.matches('"').count(), harmless.matches('"').count());
    }
}
