//! The page in a real browser, while a thousand tunnels are open.
//!
//! `NARROWS_SCREENSHOTS=DIR` keeps what it looked like; docs/audit.md shows these pictures.

use std::net::{SocketAddr, TcpListener};

use narrows_tests::browser;
use narrows_tests::proxy::{Setup, connect_head};
use rustix::process::{Resource, getrlimit, setrlimit};

use super::proxy;

const TUNNELS: usize = 1000;
const HOSTILE: &str = "<img/src=x/onerror=document.title='owned'>:443";

/// What a person sees and does: figures, a hostile name, the keyboard alone, a phone, the dark.
const LOOK: &str = r##"
open(async (page) => {
    const [admin, wanted, pictures] = args;
    const shot = async (name, options) => {
        if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, ...options });
    };
    const text = (id) => page.locator(`#${id}`).innerText();
    await page.emulateMedia({ colorScheme: "light" });
    await page.goto(`${admin}/`);
    await page.waitForFunction((wanted) => document.getElementById("open").textContent === wanted, wanted);
    const told = { seen };
    for (const id of ["open", "carried", "refused", "sent", "received", "faults", "names", "shown", "ways"]) {
        told[id] = await text(id);
    }
    told.title = await page.title();
    told.images = await page.locator("img").count();
    told.rows = await page.locator("#live tr").count();

    // By keyboard alone: to the box, a name, Enter.
    await page.keyboard.press("Tab");
    told.first = await page.evaluate(() => document.activeElement.className);
    const reached = [];
    for (let step = 0; step < 20; step += 1) {
        await page.keyboard.press("Tab");
        const id = await page.evaluate(() => document.activeElement.id);
        if (id) reached.push(id);
        if (id === "host") break;
    }
    await page.keyboard.type("je.his.arc.azure.com");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("explained").textContent.includes("route"));
    told.explained = await text("explained");
    for (let step = 0; step < 20 && !reached.includes("next"); step += 1) {
        await page.keyboard.press("Tab");
        reached.push(await page.evaluate(() => document.activeElement.id));
    }
    told.reached = reached;
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => !document.getElementById("first").disabled);
    told.second = await page.locator("#live tr td:last-child").first().innerText();

    await page.evaluate(() => { document.activeElement.blur(); window.scrollTo(0, 0); });
    await page.setViewportSize({ width: 1180, height: 1240 });
    await shot("audit-light");
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    told.light = await background();
    await page.emulateMedia({ colorScheme: "dark" });
    told.dark = await background();
    await shot("audit-dark");

    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: "light" });
    told.width = await page.evaluate(() => document.documentElement.scrollWidth);
    told.small = await page.evaluate(() => Array.from(document.querySelectorAll("button, input"))
        .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 24).map((one) => one.id));
    await shot("audit-phone");
    return told;
});
"##;

#[test]
fn a_thousand_tunnels_in_a_browser() {
    if !browser::available() {
        return;
    }
    let (proxy, admin) = proxy(Setup::new().config("[rules]\ndeny = [\"*.ads.test\"]\n"));
    enough_descriptors();
    let target = hold();
    let mut clients: Vec<_> = (0..TUNNELS)
        .map(|_| proxy.tunnel(&target.to_string()))
        .collect();
    for client in &mut clients {
        assert_eq!(client.exactly(100).len(), 100);
        client.send("0123456789");
    }
    for name in [
        "pixel.ads.test:443",
        "pixel.ads.test:443",
        "cdn.ads.test:443",
        HOSTILE,
    ] {
        proxy.ask(connect_head(name));
    }
    let pictures = std::env::var("NARROWS_SCREENSHOTS").unwrap_or_default();
    let url = format!("http://{admin}");
    let told = browser::run(LOOK, &[&url, "1,000", &pictures]);
    let text = |key: &str| {
        told[key]
            .as_str()
            .unwrap_or_else(|| panic!("{key}: {told:#}"))
    };

    assert_eq!(told["seen"]["errors"], serde_json::json!([]), "{told:#}");
    for asked in told["seen"]["requests"].as_array().unwrap() {
        let asked = asked.as_str().unwrap();
        assert!(asked.starts_with(&url) || asked == "data:,", "{asked}");
    }
    assert_eq!(
        (text("open"), text("carried"), text("refused")),
        ("1,000", "1,000", "4")
    );
    assert_eq!((text("sent"), text("received")), ("10.0 kB", "100 kB"));
    assert_eq!(
        (told["rows"].as_u64(), text("shown")),
        (Some(50), "50 of 1,000, oldest first")
    );
    assert!(text("names").contains("pixel.ads.test"), "{told:#}");

    // A hostile name stays text.
    assert!(
        text("faults").contains(HOSTILE.trim_end_matches(":443")),
        "{told:#}"
    );
    assert_eq!(
        (told["images"].as_u64(), text("title")),
        (Some(0), "narrows-proxy – 1,000 open")
    );

    // The keyboard reaches everything.
    assert_eq!(text("first"), "skip");
    let reached = told["reached"].as_array().unwrap();
    for id in ["pause", "host", "part", "next"] {
        assert!(reached.iter().any(|one| one == id), "{id}: {reached:?}");
    }
    assert!(
        text("explained").contains("*.his.arc.azure.com"),
        "{told:#}"
    );
    assert!(text("second").starts_with("P:1:C:"), "{told:#}");

    // A phone, and the dark.
    assert_eq!(told["width"], 360, "{told:#}");
    assert_eq!(told["small"], serde_json::json!([]));
    assert_ne!(text("light"), text("dark"));
}

/// A target that sends everyone 100 octets and holds what it accepts, until the test ends.
fn hold() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for client in listener.incoming().map_while(Result::ok) {
            let _ = std::io::Write::write_all(&mut &client, &[b'x'; 100]);
            held.push(client);
        }
    });
    address
}

/// Both ends of every tunnel are in this process.
fn enough_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}
