"""What tells, while an answer streams, that it has become degenerate: each guard takes it piece by piece and keeps little."""
