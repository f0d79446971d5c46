"""One member: data, networks, DropNet, surgery, cost.

The package is lazy: importing it loads neither torch nor torchvision. Import the
room you need, such as ``from pruning.dropnet.algorithm import dropnet``.
"""
