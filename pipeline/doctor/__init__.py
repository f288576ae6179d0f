"""`easel doctor`: whether the installation, the Live API and the image model are as Easel expects.

The pure files judge what was observed (`checks`, `live_facts`, `live_verdicts`, `image_verdicts`,
`report`); the others observe it.
"""
