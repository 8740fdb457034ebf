"""What several venues share: common maths, the undo journal, stages for venues without a hot path."""
