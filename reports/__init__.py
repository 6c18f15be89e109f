"""Tables and pages made from run folders on disk; nothing here computes a metric."""
