//! What the system must have beside Rust: installed when we may, otherwise named in one line to
//! copy.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::repo::run;

/// What a verb needs the system for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// Compiling.
    Building,
    /// Formatting and linting.
    Checking,
    /// Python beside the crate: golden arrays, the VST3 in a Python host.
    Python,
    /// A window that nobody sees, for the editor's tests.
    Window,
    /// Files of every kind, for the tests of broken ones.
    Audio,
}

/// How to see whether something is there.
enum Probe {
    /// A command that succeeds.
    Runs(&'static [&'static str]),
    /// A program on the path, whatever it answers.
    Program(&'static str),
    /// A shared library that the loader finds.
    Library(&'static str),
    /// A driver of Mesa for a machine without a graphics card.
    SoftwareGl,
}

/// Where it comes from.
enum Source {
    /// A Debian or Ubuntu package.
    Apt(&'static str),
    /// A component of the Rust toolchain.
    Rustup(&'static str),
}

struct Need {
    purpose: For,
    what: &'static str,
    probe: Probe,
    source: Source,
}

const fn need(purpose: For, what: &'static str, probe: Probe, source: Source) -> Need {
    Need { purpose, what, probe, source }
}

use Probe::{Library, Program, Runs, SoftwareGl};
use Source::{Apt, Rustup};

/// Libraries stand here although the plugin links none of them: baseview and x11rb open them by
/// name when a window opens.
const NEEDS: [Need; 22] = [
    need(For::Building, "a C compiler and linker", Runs(&["cc", "--version"]), Apt("gcc")),
    need(For::Building, "C headers", Runs(C_HEADERS), Apt("libc6-dev")),
    need(For::Checking, "cargo fmt", Runs(&["cargo", "fmt", "--version"]), Rustup("rustfmt")),
    need(For::Checking, "cargo clippy", Runs(&["cargo", "clippy", "--version"]), Rustup("clippy")),
    need(For::Python, "Python 3", Runs(&["python3", "--version"]), Apt("python3")),
    need(
        For::Python,
        "Python's venv",
        Runs(&["python3", "-c", "import ensurepip, venv"]),
        Apt("python3-venv"),
    ),
    need(For::Python, "libatomic, for pedalboard", Library("libatomic.so.1"), Apt("libatomic1")),
    need(For::Python, "a printer of OSC", Program("oscdump"), Apt("liblo-tools")),
    need(For::Python, "Pure Data", Program("pd"), Apt("puredata-core")),
    need(For::Audio, "ffmpeg", Runs(&["ffmpeg", "-version"]), Apt("ffmpeg")),
    need(For::Window, "a virtual screen", Program("Xvfb"), Apt("xvfb")),
    need(For::Window, "a pointer for it", Program("xdotool"), Apt("xdotool")),
    need(For::Window, "a window manager for it", Program("openbox"), Apt("openbox")),
    need(For::Window, "settings for it", Program("xsettingsd"), Apt("xsettingsd")),
    need(For::Window, "OpenGL in software", SoftwareGl, Apt("libgl1-mesa-dri")),
    need(For::Window, "libX11", Library("libX11.so.6"), Apt("libx11-6")),
    need(For::Window, "libX11-xcb", Library("libX11-xcb.so.1"), Apt("libx11-xcb1")),
    need(For::Window, "libxcb", Library("libxcb.so.1"), Apt("libxcb1")),
    need(For::Window, "libxkbcommon", Library("libxkbcommon.so.0"), Apt("libxkbcommon0")),
    need(
        For::Window,
        "libxkbcommon-x11",
        Library("libxkbcommon-x11.so.0"),
        Apt("libxkbcommon-x11-0"),
    ),
    need(For::Window, "libGL", Library("libGL.so.1"), Apt("libgl1")),
    need(For::Window, "libEGL", Library("libEGL.so.1"), Apt("libegl1")),
];

/// Preprocessing `stdlib.h` fails where only the compiler is installed.
const C_HEADERS: &[&str] = &["cc", "-E", "-include", "stdlib.h", "-x", "c", "/dev/null"];

/// Makes sure that the system has what `purposes` need.
pub fn ensure(purposes: &[For]) -> Result<()> {
    let missing = missing(purposes);
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        println!("missing: {}", need.what);
    }
    let commands = remedy(&missing);
    if commands.is_empty() || !may_install(&missing) {
        bail!("{}", instruction(&missing));
    }
    for words in &commands {
        println!("> {}", words.join(" "));
        let [program, args @ ..] = words.as_slice() else { continue };
        run(Command::new(program).args(args).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    let missing = self::missing(purposes);
    if let Some(need) = missing.first() {
        bail!("still missing after the installation: {}", need.what);
    }
    Ok(())
}

fn missing(purposes: &[For]) -> Vec<&'static Need> {
    NEEDS
        .iter()
        .filter(|need| purposes.contains(&need.purpose) && need.applies() && !need.is_met())
        .collect()
}

/// The commands that bring what is missing, as root.
fn remedy(missing: &[&Need]) -> Vec<Vec<&'static str>> {
    let packages: Vec<&str> = missing
        .iter()
        .filter_map(|need| if let Apt(package) = need.source { Some(package) } else { None })
        .collect();
    let components: Vec<&str> = missing
        .iter()
        .filter_map(|need| if let Rustup(part) = need.source { Some(part) } else { None })
        .collect();
    let mut commands = Vec::new();
    if !packages.is_empty() {
        let mut install = vec!["apt-get", "install", "-y", "--no-install-recommends"];
        install.extend(packages);
        commands.push(vec!["apt-get", "update"]);
        commands.push(install);
    }
    if !components.is_empty() {
        let mut add = vec!["rustup", "component", "add"];
        add.extend(components);
        commands.push(add);
    }
    commands
}

/// One line that the user can copy.
fn instruction(missing: &[&Need]) -> String {
    if !has_apt() && missing.iter().any(|need| matches!(need.source, Apt(_))) {
        let names: Vec<&str> = missing.iter().map(|need| need.what).collect();
        return format!("please install: {}", names.join(", "));
    }
    let line = |words: &Vec<&str>| {
        let sudo = if words[0] == "apt-get" { "sudo " } else { "" };
        format!("{sudo}{}", words.join(" "))
    };
    let lines: Vec<String> = remedy(missing).iter().map(line).collect();
    format!("please run, then try again:\n\n    {}\n", lines.join(" && "))
}

fn may_install(missing: &[&Need]) -> bool {
    let apt = missing.iter().any(|need| matches!(need.source, Apt(_)));
    !apt || (has_apt() && is_root())
}

fn has_apt() -> bool {
    Path::new("/usr/bin/apt-get").exists()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

impl Need {
    /// Windows and macOS bring compiler headers, libraries and a screen of their own.
    fn applies(&self) -> bool {
        cfg!(target_os = "linux")
            || matches!(self.purpose, For::Checking | For::Python)
                && !matches!(self.probe, Library(_))
    }

    fn is_met(&self) -> bool {
        match self.probe {
            Runs(words) => answer(words).is_some_and(|status| status.success()),
            Program(name) => answer(&[name, "--help"]).is_some(),
            Library(name) => loader_knows(name),
            SoftwareGl => has_software_gl(),
        }
    }
}

/// How a command ended; nothing where there is no such program.
fn answer(words: &[&str]) -> Option<std::process::ExitStatus> {
    let mut command = Command::new(python_of_this_system(words[0]));
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().ok()
}

/// On Windows the program is called `python`.
pub fn python_of_this_system(program: &str) -> &str {
    if cfg!(windows) && program == "python3" { "python" } else { program }
}

fn loader_knows(library: &str) -> bool {
    // A user's path often lacks /sbin.
    ["ldconfig", "/sbin/ldconfig"].iter().any(|program| {
        let output = Command::new(program).arg("-p").output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(library))
    })
}

fn has_software_gl() -> bool {
    let multiarch = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let folders =
        multiarch.map(|entry| entry.path()).chain(["/usr/lib".into(), "/usr/lib64".into()]);
    folders.into_iter().any(|folder| folder.join("dri/swrast_dri.so").exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(whats: &[&str]) -> Vec<&'static Need> {
        NEEDS.iter().filter(|need| whats.contains(&need.what)).collect()
    }

    #[test]
    fn packages_come_in_one_installation_after_an_update() {
        let commands = remedy(&pick(&["a virtual screen", "libGL"]));
        let lines: Vec<String> = commands.iter().map(|words| words.join(" ")).collect();
        assert_eq!(
            lines,
            ["apt-get update", "apt-get install -y --no-install-recommends xvfb libgl1"]
        );
    }

    #[test]
    fn parts_of_the_toolchain_come_from_rustup_and_need_no_root() {
        let missing = pick(&["cargo fmt", "cargo clippy"]);
        assert_eq!(remedy(&missing), [["rustup", "component", "add", "rustfmt", "clippy"]]);
        assert!(may_install(&missing));
        assert!(instruction(&missing).contains("    rustup component add rustfmt clippy\n"));
    }

    #[test]
    fn what_nobody_has_is_missing() {
        let absent = need(For::Building, "x", Program("no-such-program-here"), Apt("x"));
        assert!(!absent.is_met());
        let absent = need(For::Window, "x", Library("libnosuchlibrary.so.9"), Apt("x"));
        assert!(!absent.is_met());
    }

    #[test]
    fn cargo_is_there_since_it_runs_this() {
        let cargo = need(For::Building, "x", Runs(&["cargo", "--version"]), Apt("x"));
        assert!(cargo.is_met());
    }
}
