namespace Pumps.Core.Protocols;

/// <summary>What a stretch of a frame's bytes means, for people: the right side of the worked examples in the specifications.</summary>
public readonly record struct FrameNote(int Offset, int Length, string Field, string Value);
