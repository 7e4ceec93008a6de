//! Repository tasks.
mod piece;
mod repo;
fn main() -> anyhow::Result<()> {
    let repo = repo::Repo::enter()?;
    let args: Vec<String> = std::env::args().skip(2).collect();
    piece::run(&repo, &args)
}
