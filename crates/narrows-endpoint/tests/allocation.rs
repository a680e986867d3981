//! A decision allocates nothing, whatever it finds.

use narrows_endpoint::{Catalogue, Level, Route, Routes, RuleSet, Source, Target};

#[test]
fn decisions_allocate_nothing() {
    let routes = Routes {
        never: Route::Proxy,
        default: Route::Direct,
    };
    let mut rules = Catalogue::built_in().add_to(RuleSet::builder(routes));
    for text in [
        "a*b*c.example.com",
        "x-*.b*.example.com:443",
        "10.0.0.0/8",
        "2001:db8::/32:443",
    ] {
        rules = rules.text(Level::Bypass, text, Source::BuiltIn).unwrap();
    }
    for at in 0..10_000 {
        let text = format!("*.customer{at}.example.net");
        rules = rules.text(Level::Deny, &text, Source::BuiltIn).unwrap();
    }
    let rules = rules.build().unwrap();

    let long = format!("{}.example.com:443", ["label"; 40].join("."));
    let targets: Vec<Target> = [
        "gbl.his.arc.azure.com:443",
        "je.his.arc.azure.com:443",
        "je.his.arc.azure.com:80",
        "azgn1.servicebus.windows.net:443",
        "san-af-eastus-prod.azurewebsites.net:443",
        "a1b2c.example.com:443",
        "a1b2.example.com:443",
        "x-1.b2.example.com:443",
        "node.customer9999.example.net:1",
        "unknown.example.org:443",
        "10.1.2.3:443",
        "11.1.2.3:443",
        "[2001:db8::1]:443",
        "[::1]:443",
        "a:1",
        &long,
    ]
    .iter()
    .map(|text| text.parse().unwrap())
    .collect();

    // Globs with several stars keep scratch space, which a thread makes once.
    let first: Vec<_> = targets.iter().map(|target| rules.decide(target)).collect();
    let counted = allocation_counter::measure(|| {
        for (target, first) in targets.iter().zip(&first) {
            assert_eq!(rules.decide(target), *first);
        }
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
    assert_eq!(
        first
            .iter()
            .filter(|decision| decision.level == Level::Default)
            .count(),
        7
    );

    let counter_works = allocation_counter::measure(|| drop(std::hint::black_box(vec![1])));
    assert_eq!(counter_works.count_total, 1);
}
